import { z } from 'zod'
import type { Checked, CheckState } from './check.ts'
import { processFigures, requestFigures, readFigures, poolFigures } from './figures.ts'

/** `degraded` still serves and answers 200; `unhealthy` answers 503. */
export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy'

export type Memory = { readonly usedBytes: number; readonly totalBytes: number }

const latency = z.number()
/** `ok` stands for `healthy` where a monitor expects it. */
const overall = z.enum(['healthy', 'ok', 'degraded', 'unhealthy'])
const statuses = { pass: 'healthy', warn: 'degraded', fail: 'unhealthy' } as const
const service = z.looseObject({
  healthy: z.boolean(),
  status: z.enum(['healthy', 'degraded', 'unhealthy']),
  latency,
})

/** The body of the basic health endpoints, and the beginning of the detailed ones; milliseconds, seconds of uptime, bytes.
 *  The names are those that monitors already read (REQUIREMENTS M). */
export const healthReport = z.object({
  status: overall,
  timestamp: z.iso.datetime(),
  uptime: z.int(),
  version: z.string(),
  services: z.record(z.string(), service),
  memory: z.object({ used: z.int(), total: z.int(), percentage: z.int() }),
  checks: z.record(z.string(), z.looseObject({ status: z.enum(['pass', 'warn', 'fail']) })),
})
export type HealthReport = z.infer<typeof healthReport>

/** The same with what operators want to know besides. What a process does not have is left out. */
export const detailedHealthReport = healthReport.extend({
  metrics: z.object({
    api: requestFigures.optional(),
    database: poolFigures.optional(),
    cache: readFigures.optional(),
  }),
  system: processFigures.extend({ connections: z.object({ database: z.int().optional() }) }),
})
export type DetailedHealthReport = z.infer<typeof detailedHealthReport>

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
  const memory = judged('memory', percentage < memoryPercentageMax ? 'pass' : 'warn')
  const services = found.checked
    .filter(({ isService }) => isService)
    .map(({ name, state, latencyMs, facts }) => {
      const status = statuses[state]
      return [name, { ...facts, healthy: state !== 'fail', status, latency: latencyMs }] as const
    })
  const checks = found.checked.map(({ name, state, latencyMs, lastPassedAt, facts }) => {
    const lastSuccessAt = lastPassedAt?.toISOString()
    const asked = { status: state, latency: latencyMs, ...(lastSuccessAt && { lastSuccessAt }) }
    return [name, { ...facts, ...asked }] as const
  })
  return {
    status: statusOf([...found.checked, memory]),
    timestamp: found.at.toISOString(),
    uptime: Math.floor(found.uptimeSeconds),
    version: found.version,
    services: Object.fromEntries(services),
    memory: { used, total, percentage },
    checks: { ...Object.fromEntries(checks), memory: { status: memory.state } },
  }
}

/** The status that checks make together. */
export function statusOf(checked: readonly Pick<Checked, 'state' | 'isVital'>[]): HealthStatus {
  if (checked.some(({ state, isVital }) => state === 'fail' && isVital)) {
    return 'unhealthy'
  }
  return checked.some(({ state }) => state !== 'pass') ? 'degraded' : 'healthy'
}

/** What a figure of the process itself says: it took no time, and never ends the process. */
export function judged(name: string, state: CheckState, facts: Checked['facts'] = {}): Checked {
  return { name, isService: false, isVital: false, latencyMs: 0, state, facts }
}
