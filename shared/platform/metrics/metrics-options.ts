import type { PlatformConfig } from '../config/platform-config.ts'
import type { MetricsOptions } from '../telemetry/metrics.ts'

/** What the metrics of a process are opened with. */
export function metricsOptions({
  process: { version },
  telemetry,
}: Pick<PlatformConfig, 'process' | 'telemetry'>): MetricsOptions & { readonly version: string } {
  const { serviceName, pushMetricsEveryMs: pushEveryMs } = telemetry
  return { serviceName, pushEveryMs, version }
}
