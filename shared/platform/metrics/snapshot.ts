import { z } from 'zod'
import type { Labels, Metric } from '../telemetry/metric.ts'
import { classesOf, quantileMs, ratioOf, sumOf, type Classes } from './summaries.ts'

const ms = z.number().nonnegative()
const count = z.number().nonnegative()
const ratio = z.number().nonnegative()

const quantiles = { p50: ms, p95: ms, p99: ms }

/** How reads were answered. A hit is a read for which nobody waited for the database. */
export const cacheFigures = z.object({
  hits: count,
  misses: count,
  /** 0..1; 0 while there were no reads. */
  hitRate: ratio,
  /** Hits and misses. */
  operations: count,
})
export type CacheFigures = z.infer<typeof cacheFigures>

/** The metrics of one process at a glance, since it began. Quantiles in milliseconds, each the upper end of its class. */
export const metricsSnapshot = z.object({
  performance: z.object({
    api: z.object({
      ...quantiles,
      requests: count,
      /** Answered with a status of 500 or above. */
      errors: count,
      errorRate: ratio,
      /** Answered before routing. */
      edge: count,
      active: count,
    }),
    database: z.object({
      ...quantiles,
      statements: count,
      slow: count,
      slowRate: ratio,
      pool: z.object({
        active: count,
        idle: count,
        waiting: count,
        max: count,
        utilization: ratio,
        /** How long connections were waited for, and how often in vain. */
        waits: z.object({ ...quantiles, count, failed: count }),
      }),
    }),
    cache: cacheFigures,
    memory: z.object({ rssBytes: count, heapUsedBytes: count, heapLimitBytes: count }),
    eventLoop: z.object({ p50: ms, p99: ms, utilization: ratio }),
    cpu: z.object({ seconds: count }),
  }),
})
export type MetricsSnapshot = z.infer<typeof metricsSnapshot>

/** Sums up what was read, and asks nothing anew: so it says what every other form of the same reading says. */
export function snapshotOf(metrics: readonly Metric[]): MetricsSnapshot {
  const requests = classesOf(metrics, 'http.server.request.duration')
  const failed = classesOf(metrics, 'http.server.request.duration', isFailed)
  const heap = (kind: string): number =>
    sumOf(metrics, 'nodejs.heap.usage', (labels) => labels['kind'] === kind)
  return {
    performance: {
      api: {
        ...quantilesOf(requests),
        requests: requests.count,
        errors: failed.count,
        errorRate: ratioOf(failed.count, requests.count),
        edge: sumOf(metrics, 'http.server.edge.requests'),
        active: sumOf(metrics, 'http.server.active_requests'),
      },
      database: databaseOf(metrics),
      cache: cacheFiguresOf(metrics),
      memory: {
        rssBytes: sumOf(metrics, 'process.memory.usage'),
        heapUsedBytes: heap('used'),
        heapLimitBytes: heap('limit'),
      },
      eventLoop: {
        p50: 1_000 * sumOf(metrics, 'nodejs.eventloop.delay.p50'),
        p99: 1_000 * sumOf(metrics, 'nodejs.eventloop.delay.p99'),
        utilization: sumOf(metrics, 'nodejs.eventloop.utilization'),
      },
      cpu: { seconds: sumOf(metrics, 'process.cpu.time') },
    },
  }
}

/** Whether a series is of requests that failed through no fault of the caller. */
export const isFailed = (labels: Labels): boolean =>
  labels['http.response.status_code']?.startsWith('5') === true

/** The reads that callers asked for; verdicts on credentials, one with each, would double every hit. */
export function cacheFiguresOf(metrics: readonly Metric[]): CacheFigures {
  const isAsked = (labels: Labels): boolean => labels['http.route']?.startsWith('/') === true
  const operations = sumOf(metrics, 'cache.requests', isAsked)
  const hits = sumOf(metrics, 'cache.hits')
  return { hits, misses: operations - hits, hitRate: ratioOf(hits, operations), operations }
}

function databaseOf(metrics: readonly Metric[]): MetricsSnapshot['performance']['database'] {
  const statements = classesOf(metrics, 'db.client.operation.duration')
  const slow = sumOf(metrics, 'db.client.slow_operations', ({ threshold }) => threshold === 'log')
  const connections = (state: string): number =>
    sumOf(
      metrics,
      'db.client.connection.count',
      (labels) => labels['db.client.connection.state'] === state,
    )
  const active = connections('used')
  const max = sumOf(metrics, 'db.client.connection.max')
  const waits = classesOf(metrics, 'db.client.connection.wait_time')
  return {
    ...quantilesOf(statements),
    statements: statements.count,
    slow,
    slowRate: ratioOf(slow, statements.count),
    pool: {
      active,
      idle: connections('idle'),
      waiting: sumOf(metrics, 'db.client.connection.pending_requests'),
      max,
      utilization: ratioOf(active, max),
      waits: {
        ...quantilesOf(waits),
        count: waits.count,
        failed: sumOf(metrics, 'db.client.connection.timeouts'),
      },
    },
  }
}

const quantilesOf = (classes: Classes) => ({
  p50: quantileMs(classes, 0.5),
  p95: quantileMs(classes, 0.95),
  p99: quantileMs(classes, 0.99),
})
