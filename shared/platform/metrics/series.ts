import { z } from 'zod'
import type { Labels, Metric } from '../telemetry/metric.ts'
import { callerCounts, callersSince, countCallers, type CallerCounts } from './objectives.ts'
import { cacheFiguresOf, isFailed } from './snapshot.ts'
import { classesOf, classesSince, quantileMs, ratioOf, sumOf, type Classes } from './summaries.ts'

/** What happened in one interval, and how it stood at its end. Quantiles in milliseconds. */
export const seriesPoint = z.object({
  /** The end of the interval, RFC 3339 in UTC. */
  at: z.iso.datetime(),
  seconds: z.number(),
  requests: z.number(),
  errors: z.number(),
  p50: z.number(),
  p95: z.number(),
  p99: z.number(),
  statements: z.number(),
  databaseP95: z.number(),
  slow: z.number(),
  hits: z.number(),
  misses: z.number(),
  poolActive: z.number(),
  poolWaiting: z.number(),
  eventLoopP99: z.number(),
  /** Processors used: 1 is one of them all the time. */
  cpuRatio: z.number(),
  rssBytes: z.number(),
  callers: callerCounts,
})
export type SeriesPoint = z.infer<typeof seriesPoint>

/** The last hour at an interval of 15 s. */
export const seriesPointsMax = 240

/** What was counted by a moment. */
type Look = {
  readonly at: Date
  readonly requests: Classes
  readonly errors: number
  readonly statements: Classes
  readonly slow: number
  readonly hits: number
  readonly operations: number
  readonly cpuSeconds: number
  readonly callers: CallerCounts
}

/** The last intervals of one process, in its memory. */
export class Series {
  readonly #points: SeriesPoint[] = []
  #before: Look | undefined

  /** Ends an interval; the first look begins one. */
  add(metrics: readonly Metric[], at: Date): void {
    const now = lookAt(metrics, at)
    if (this.#before) {
      this.#points.push(pointOf(metrics, now, this.#before))
    }
    if (this.#points.length > seriesPointsMax) {
      this.#points.shift()
    }
    this.#before = now
  }

  /** The oldest first. */
  list(): readonly SeriesPoint[] {
    return this.#points
  }
}

function lookAt(metrics: readonly Metric[], at: Date): Look {
  const { hits, operations } = cacheFiguresOf(metrics)
  return {
    at,
    requests: classesOf(metrics, 'http.server.request.duration'),
    errors: classesOf(metrics, 'http.server.request.duration', isFailed).count,
    statements: classesOf(metrics, 'db.client.operation.duration'),
    slow: sumOf(metrics, 'db.client.slow_operations', ({ threshold }) => threshold === 'log'),
    hits,
    operations,
    cpuSeconds: sumOf(metrics, 'process.cpu.time'),
    callers: countCallers(metrics),
  }
}

function pointOf(metrics: readonly Metric[], now: Look, before: Look): SeriesPoint {
  const requests = classesSince(now.requests, before.requests)
  const statements = classesSince(now.statements, before.statements)
  const seconds = (now.at.getTime() - before.at.getTime()) / 1_000
  const hits = now.hits - before.hits
  const isUsed = (labels: Labels): boolean => labels['db.client.connection.state'] === 'used'
  return {
    at: now.at.toISOString(),
    seconds,
    requests: requests.count,
    errors: now.errors - before.errors,
    p50: quantileMs(requests, 0.5),
    p95: quantileMs(requests, 0.95),
    p99: quantileMs(requests, 0.99),
    statements: statements.count,
    databaseP95: quantileMs(statements, 0.95),
    slow: now.slow - before.slow,
    hits,
    misses: now.operations - before.operations - hits,
    poolActive: sumOf(metrics, 'db.client.connection.count', isUsed),
    poolWaiting: sumOf(metrics, 'db.client.connection.pending_requests'),
    eventLoopP99: 1_000 * sumOf(metrics, 'nodejs.eventloop.delay.p99'),
    cpuRatio: ratioOf(now.cpuSeconds - before.cpuSeconds, seconds),
    rssBytes: sumOf(metrics, 'process.memory.usage'),
    callers: callersSince(now.callers, before.callers),
  }
}
