import type { Checked } from './check.ts'

/** `degraded` still serves and answers 200; `unhealthy` answers 503. */
export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy'

export type Memory = { readonly usedBytes: number; readonly totalBytes: number }

type Service = { readonly healthy: boolean; readonly latency: number }
type Facts = Readonly<Record<string, string | number | boolean>>

/** The one body of every health endpoint; milliseconds, seconds of uptime, bytes.
 *  The names are those that monitors already read (REQUIREMENTS M). */
export type HealthReport = {
  readonly status: HealthStatus
  readonly timestamp: string
  readonly uptime: number
  readonly version: string
  readonly services: Readonly<Record<string, Service & Facts>>
  readonly memory: { readonly used: number; readonly total: number; readonly percentage: number }
  readonly checks: Readonly<Record<string, { readonly status: Checked['state'] } & Facts>>
}

/** Above this share of the heap that Node may use, garbage collection takes over the process. */
const memoryPercentageMax = 90

/** Puts the answers together. Pure. */
export function reportHealth(found: {
  readonly checked: readonly Checked[]
  readonly memory: Memory
  readonly at: Date
  readonly uptimeSeconds: number
  readonly version: string
}): HealthReport {
  const { usedBytes: used, totalBytes: total } = found.memory
  const percentage = total > 0 ? Math.round((100 * used) / total) : 0
  const memoryState = percentage < memoryPercentageMax ? 'pass' : 'warn'
  const services = found.checked
    .filter(({ isService }) => isService)
    .map(({ name, state, latencyMs, facts }) => {
      return [name, { ...facts, healthy: state !== 'fail', latency: latencyMs }] as const
    })
  const checks = found.checked.map(({ name, state, latencyMs, facts }) => {
    return [name, { ...facts, status: state, latency: latencyMs }] as const
  })
  return {
    status: worst(found.checked, memoryState === 'warn'),
    timestamp: found.at.toISOString(),
    uptime: Math.floor(found.uptimeSeconds),
    version: found.version,
    services: Object.fromEntries(services),
    memory: { used, total, percentage },
    checks: { ...Object.fromEntries(checks), memory: { status: memoryState } },
  }
}

function worst(checked: readonly Checked[], isMemoryShort: boolean): HealthStatus {
  if (checked.some(({ state, isVital }) => state === 'fail' && isVital)) {
    return 'unhealthy'
  }
  return isMemoryShort || checked.some(({ state }) => state !== 'pass') ? 'degraded' : 'healthy'
}
