import { basename, dirname } from 'node:path'
import { samplingOf, type Sampling } from './sampling.ts'
import type { SpanQueueLimits } from './span-queue.ts'

/**
 * How much telemetry a process does, read from OpenTelemetry's own standard variables.
 * `export` costs about 0.3 s of start-up, so a process that nobody listens to keeps to `ids`:
 * every request and job has a trace id, in logs and problem documents, and nothing is recorded.
 */
export type TelemetrySettings = {
  readonly mode: 'off' | 'ids' | 'export'
  readonly serviceName: string
  readonly sampling: Sampling
  readonly queue: SpanQueueLimits
}

/** The name in traces when OTEL_SERVICE_NAME says none: `tidegate-api`, `tidegate-worker` … */
export function defaultServiceName(kind: string): string {
  return kind === '' ? 'tidegate' : `tidegate-${kind}`
}

type Variables = Readonly<Record<string, string | undefined>>

/** @param entry the script that the process runs; its folder names the service when nothing else does */
export function readTelemetrySettings(
  variables: Variables,
  entry: string | undefined,
): TelemetrySettings {
  const read = (name: string): string => variables[name]?.trim() ?? ''
  const folder = entry === undefined ? '' : basename(dirname(entry))
  const endpoint = read('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') || read('OTEL_EXPORTER_OTLP_ENDPOINT')
  const isMuted = read('OTEL_TRACES_EXPORTER').toLowerCase() === 'none'
  const isDisabled = read('OTEL_SDK_DISABLED').toLowerCase() === 'true'
  return {
    mode: isDisabled ? 'off' : endpoint !== '' && !isMuted ? 'export' : 'ids',
    serviceName: read('OTEL_SERVICE_NAME') || defaultServiceName(folder),
    sampling: samplingOf(
      read('OTEL_TRACES_SAMPLER') || 'parentbased_always_on',
      Number(read('OTEL_TRACES_SAMPLER_ARG') || 1),
      Number(read('TRACES_SLOW_MS') || 500),
    ),
    queue: {
      waitingMax: Number(read('OTEL_BSP_MAX_QUEUE_SIZE') || 2048),
      batchMax: Number(read('OTEL_BSP_MAX_EXPORT_BATCH_SIZE') || 512),
      delayMs: Number(read('OTEL_BSP_SCHEDULE_DELAY') || 5000),
      timeoutMs: Number(read('OTEL_BSP_EXPORT_TIMEOUT') || 30_000),
    },
  }
}
