import { z } from 'zod'
import type { Checked } from './check.ts'

/** `degraded` still serves and answers 200; `unhealthy` answers 503. */
export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy'

export type Memory = { readonly usedBytes: number; readonly totalBytes: number }

const latency = z.number()

/** The one body of every health endpoint; milliseconds, seconds of uptime, bytes.
 *  The names are those that monitors already read (REQUIREMENTS M). */
export const healthReport = z.object({
  /** `ok` stands for `healthy` where a monitor expects it. */
  status: z.enum(['healthy', 'ok', 'degraded', 'unhealthy']),
  timestamp: z.iso.datetime(),
  uptime: z.int(),
  version: z.string(),
  services: z.record(z.string(), z.looseObject({ healthy: z.boolean(), latency })),
  memory: z.object({ used: z.int(), total: z.int(), percentage: z.int() }),
  checks: z.record(z.string(), z.looseObject({ status: z.enum(['pass', 'warn', 'fail']) })),
})

export type HealthReport = z.infer<typeof healthReport>

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
