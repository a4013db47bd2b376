import type { Metric } from './thresholds.ts'

type Unit = 'ms' | 'ratio' | 'bytes' | 'count' | 'perSecond' | 'processors'

/** How each figure is called and printed. The order is that of the report. */
export const metrics: Readonly<Record<Metric, readonly [string, Unit]>> = {
  users: ['users at most', 'count'],
  seconds: ['seconds', 'count'],
  requests: ['requests', 'count'],
  requestsPerSecond: ['requests/s with all users', 'perSecond'],
  averageMs: ['average', 'ms'],
  p50Ms: ['p50', 'ms'],
  p95Ms: ['p95', 'ms'],
  p99Ms: ['p99', 'ms'],
  maxMs: ['max', 'ms'],
  errorRatio: ['errors', 'ratio'],
  serverErrors: ['answers with 5xx', 'count'],
  hitRatio: ['cache hit ratio', 'ratio'],
  blocked: ['requests blocked', 'count'],
  blockedWrongly: ['blocked without being told when to return', 'count'],
  limitNotTold: ['answers without RateLimit headers', 'count'],
  memoryBytes: ['memory of the API, most', 'bytes'],
  cpuRatio: ['processors used by the API', 'processors'],
  poolRatio: ['connections in use, of the pool', 'ratio'],
  connectionsMax: ['connections in use, most', 'count'],
  transactionsPerRequest: ['transactions per request', 'perSecond'],
  transactionMs: ['database time per transaction', 'ms'],
  statementsPerRequest: ['statements per request', 'perSecond'],
  slowStatements: ['statements of 100 ms and more', 'count'],
  toolDelayMs: ['timers of the load tool late, p99', 'ms'],
}

/** Every figure that a report has, in order. */
export const metricNames = Object.keys(metrics) as readonly Metric[]

export function write(metric: Metric, value: number): string {
  const [, unit] = metrics[metric]
  switch (unit) {
    case 'ms':
      return `${value.toFixed(value < 10 ? 2 : 0)} ms`
    case 'ratio':
      return `${(100 * value).toFixed(2)} %`
    case 'bytes':
      return `${(value / 1e6).toFixed(0)} MB`
    case 'count':
      return Math.round(value).toLocaleString('en')
    case 'perSecond':
    case 'processors':
      return value.toFixed(value < 10 ? 2 : 0)
  }
  return unit satisfies never
}
