import type { Database } from '../database/database.ts'
import type { PoolWaits } from '../database/pool-waits.ts'
import type { Metrics } from '../telemetry/metrics.ts'

/** The pool, and the statements that went through it. */
export function measureDatabase(
  metrics: Metrics,
  db: Pick<Database, 'statistics' | 'waits' | 'watch'>,
): void {
  measurePool(metrics, db)
  measurePoolWaits(metrics, db.waits)
  const { watch } = db
  metrics.histogram(
    {
      name: 'db.client.operation.duration',
      unit: 's',
      description: 'Durations of statements by verb, and by the declared read that sent them',
    },
    function* () {
      for (const { operation, name, durations } of watch.series()) {
        const { boundsSeconds: bounds, counts, sumSeconds: sum } = durations
        yield {
          labels: { 'db.operation.name': operation, 'db.query.summary': name },
          bounds,
          counts,
          sum,
        }
      }
    },
  )
  metrics.counter(
    {
      name: 'db.client.slow_operations',
      unit: '{statement}',
      description: 'Statements that took longer than the limit of the log, and of the alert',
    },
    () =>
      Object.entries(watch.slow.counts()).map(([threshold, value]) => ({
        labels: { threshold },
        value,
      })),
  )
  metrics.counter(
    {
      name: 'db.client.errors',
      unit: '{statement}',
      description: 'Statements that failed, by the class of their SQLSTATE',
    },
    () =>
      counted(errorClasses, watch.errors()).map(([sqlstate, value]) => ({
        labels: { sqlstate_class: sqlstate },
        value,
      })),
  )
  measureWork(metrics, watch)
}

/** Connections, conflicts, resources, locks, and an end by an operator or a time limit. */
const errorClasses = ['08', '40', '53', '55', '57'] as const
const retryReasons = ['40001', '40P01'] as const

/** With a zero for what may come and has not: who looks for an increase would miss the first one otherwise. */
function counted(
  known: readonly string[],
  counts: Iterable<readonly [string, number]>,
): readonly (readonly [string, number])[] {
  return [...new Map([...known.map((name) => [name, 0] as const), ...counts])]
}

/** What requests and transactions make of their statements. */
function measureWork(metrics: Metrics, watch: Database['watch']): void {
  metrics.counter(
    {
      name: 'http.server.statements',
      unit: '{statement}',
      description: 'Statements that requests sent, by the template of the route',
    },
    () =>
      Array.from(watch.perRoute(), ([route, value]) => ({
        labels: { 'http.route': route },
        value,
      })),
  )
  metrics.counter(
    {
      name: 'db.client.repeating_requests',
      unit: '{request}',
      description: 'Requests that sent one statement five times or more: the N+1 pattern',
    },
    () => [{ labels: {}, value: watch.repeated.requests }],
  )
  metrics.counter(
    {
      name: 'http.server.statement_budget.overruns',
      unit: '{request}',
      description: 'Requests that sent more statements than the declaration of their read allows',
    },
    () =>
      watch.budgets
        .list()
        .map(({ route, overCount }) => ({ labels: { 'http.route': route }, value: overCount })),
  )
  metrics.counter(
    {
      name: 'db.client.transaction.retries',
      unit: '{retry}',
      description: 'Transactions that were tried again, by what made them fail',
    },
    () =>
      counted(retryReasons, watch.retries()).map(([reason, value]) => ({
        labels: { reason },
        value,
      })),
  )
}

function measurePoolWaits(metrics: Metrics, { durations, failedCount }: PoolWaits): void {
  metrics.histogram(
    {
      name: 'db.client.connection.wait_time',
      unit: 's',
      description: 'How long whoever needed a connection waited for one',
    },
    () => {
      const { boundsSeconds: bounds, counts, sumSeconds: sum } = durations
      return [{ labels: {}, bounds, counts, sum }]
    },
  )
  metrics.counter(
    {
      name: 'db.client.connection.timeouts',
      unit: '{timeout}',
      description: 'How often one was waited for in vain',
    },
    () => [{ labels: {}, value: failedCount() }],
  )
}

function measurePool(metrics: Metrics, db: Pick<Database, 'statistics'>): void {
  metrics.gauge(
    {
      name: 'db.client.connection.count',
      unit: '{connection}',
      description: 'Connections of the pool by state',
    },
    () => {
      const { active, idle } = db.statistics()
      return [
        { labels: { 'db.client.connection.state': 'used' }, value: active },
        { labels: { 'db.client.connection.state': 'idle' }, value: idle },
      ]
    },
  )
  metrics.gauge(
    {
      name: 'db.client.connection.max',
      unit: '{connection}',
      description: 'The most there may be',
    },
    () => [{ labels: {}, value: db.statistics().max }],
  )
  metrics.gauge(
    {
      name: 'db.client.connection.pending_requests',
      unit: '{request}',
      description: 'Who waits for a connection',
    },
    () => [{ labels: {}, value: db.statistics().waiting }],
  )
}
