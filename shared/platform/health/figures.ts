import { z } from 'zod'
import { answersIn, readsOf } from '../cache/read-figures.ts'
import type { CacheReport } from '../cache/cache.ts'
import type { PoolStatistics } from '../database/database.ts'
import type { PoolWaits } from '../database/pool-waits.ts'
import { classesIn, quantileMs } from '../metrics/summaries.ts'
import { summarise, type RequestFigures } from '../telemetry/request-figures.ts'

const ratio = z.number().min(0)
const count = z.int()
const milliseconds = z.number()

/** What requests took since the process began: milliseconds, and the share that was answered with 5xx. Quantiles are 0 before
 *  the first one. */
export const requestFigures = z.object({
  p50: milliseconds,
  p95: milliseconds,
  p99: milliseconds,
  errorRate: ratio,
  operations: count,
  /** Answered before routing. */
  edge: count,
})

/** How long connections were waited for since the process began, each the upper end of its class; `failed` waited in vain. */
export const poolWaitFigures = z.object({
  count,
  failed: count,
  p50: milliseconds,
  p95: milliseconds,
  p99: milliseconds,
})

/** Of the request pool, at the moment. `waiting` wait for a connection; `utilization` is the share that is in use. */
export const poolFigures = z.object({
  active: count,
  idle: count,
  waiting: count,
  max: count,
  utilization: ratio,
  waits: poolWaitFigures,
})

/** What reads found since the process began. A hit is one for which nobody waited for the database. */
export const readFigures = z.object({
  hits: count,
  misses: count,
  hitRate: ratio,
  operations: count,
  entries: count,
  bytes: count,
  /** Changes of the database were known here so long ago; null before the first time. */
  confirmedAgoMs: milliseconds.nullable(),
})

/** Of the process and its machine. `cpu` is the share of one processor since it was last asked for. */
export const processFigures = z.object({
  cpu: ratio.optional(),
  /** Resident bytes. */
  rss: count.optional(),
  loadavg: z.array(z.number()),
  eventLoop: z.object({ p99: milliseconds, utilization: ratio }),
})
export type ProcessFigures = z.infer<typeof processFigures>

/** The last class has no upper end, and JSON no infinity: what took longer is shown as this. */
const slowestSeconds = 10

/** Sums up the requests. */
export function describeRequests(figures: RequestFigures): z.infer<typeof requestFigures> {
  const { count: operations, failedCount, quantileSeconds } = summarise(figures.all())
  const [p50 = 0, p95 = 0, p99 = 0] = [0.5, 0.95, 0.99].map((share) => {
    const seconds = quantileSeconds(share) ?? 0
    return Math.min(seconds, slowestSeconds) * 1000
  })
  const errorRate = operations > 0 ? failedCount / operations : 0
  return { p50, p95, p99, errorRate, operations, edge: figures.edgeCount }
}

/** Describes the pool. */
export function describePool({ pool, waits }: PoolView): z.infer<typeof poolFigures> {
  const { active, idle, waiting, max } = pool
  return { active, idle, waiting, max, utilization: active / max, waits: describeWaits(waits) }
}

type PoolView = { readonly pool: PoolStatistics; readonly waits: PoolWaits }

function describeWaits({ durations, failedCount }: PoolWaits): z.infer<typeof poolWaitFigures> {
  const classes = classesIn(durations)
  const [p50 = 0, p95 = 0, p99 = 0] = [0.5, 0.95, 0.99].map((share) => quantileMs(classes, share))
  return { count: classes.count, failed: failedCount(), p50, p95, p99 }
}

/** Sums up the reads. */
export function describeReads(report: CacheReport): z.infer<typeof readFigures> {
  const { reads: operations, hitRatio = 0 } = readsOf(answersIn(report.routes))
  const { entries, bytes, confirmedAgoMs } = report
  const hits = Math.round(hitRatio * operations)
  return {
    hits,
    misses: operations - hits,
    hitRate: hitRatio,
    operations,
    entries,
    bytes,
    confirmedAgoMs: Number.isFinite(confirmedAgoMs) ? Math.round(confirmedAgoMs) : null,
  }
}
