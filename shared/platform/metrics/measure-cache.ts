import type { Cache, CacheReport } from '../cache/cache.ts'
import type { RouteStatistics } from '../cache/statistics.ts'
import type { Point } from '../telemetry/metric.ts'
import type { Metrics } from '../telemetry/metrics.ts'

/** Reads by tier, route, outcome and reason; the memory in use; how far behind the change log the process is. */
export function measureCache(metrics: Metrics, cache: Pick<Cache, 'report'>): void {
  measureReads(metrics, cache)
  measureSize(metrics, cache)
  metrics.gauge(
    {
      name: 'cache.change_log.lag',
      unit: 's',
      description: 'How long ago everything that had been committed was known here',
    },
    () => {
      const { confirmedAgoMs } = cache.report()
      return Number.isFinite(confirmedAgoMs) ? [{ labels: {}, value: confirmedAgoMs / 1_000 }] : []
    },
  )
  metrics.gauge(
    {
      name: 'cache.change_log.entries',
      unit: '{change}',
      description: 'Pairs of change and tag that kept answers are compared with',
    },
    () => [{ labels: {}, value: cache.report().changes }],
  )
  metrics.counter(
    {
      name: 'cache.events',
      unit: '{event}',
      description: 'What befell the cache: fetches that failed, values refused, tokens waited for',
    },
    () =>
      Object.entries(cache.report().counters).map(([event, value]) => ({
        labels: { event },
        value,
      })),
  )
}

function measureReads(metrics: Metrics, cache: Pick<Cache, 'report'>): void {
  metrics.counter(
    {
      name: 'cache.requests',
      unit: '{read}',
      description:
        'Reads by tier, result and template of the route. hit: true as far as is known; aged, unconfirmed: kept, served while it is looked again; source-down: the last resort; miss: fetched',
    },
    () => forRoutes(cache, resultsOf),
  )
  metrics.counter(
    {
      name: 'cache.misses',
      unit: '{read}',
      description:
        'Reads that were fetched, by reason. changed: a contested read, whose kept answer a write had overtaken',
    },
    () =>
      forRoutes(cache, ({ reasons }, labels) =>
        told(reasons).map(([reason, value]) => ({
          labels: { ...labels, reason },
          value,
        })),
      ),
  )
  metrics.counter(
    {
      name: 'cache.hits',
      unit: '{read}',
      description: 'Reads for which nobody waited for the database; verdicts on credentials aside',
    },
    () => [{ labels: {}, value: hitsIn(cache.report()) }],
  )
  metrics.counter(
    {
      name: 'cache.collapsed',
      unit: '{read}',
      description: 'Reads that shared the fetch of another one',
    },
    () => forRoutes(cache, ({ collapsed: value }, labels) => [{ labels, value }]),
  )
  metrics.counter(
    { name: 'cache.load.duration', unit: 's', description: 'Time that fetches took in all' },
    () => forRoutes(cache, ({ fillMs }, labels) => [{ labels, value: fillMs / 1_000 }]),
  )
}

function measureSize(metrics: Metrics, cache: Pick<Cache, 'report'>): void {
  metrics.gauge(
    { name: 'cache.entries', unit: '{entry}', description: 'Answers in the memory of the process' },
    () => [{ labels: {}, value: cache.report().entries }],
  )
  metrics.gauge({ name: 'cache.size', unit: 'By', description: 'Their size' }, () => [
    { labels: {}, value: cache.report().bytes },
  ])
  metrics.gauge(
    { name: 'cache.size.limit', unit: 'By', description: 'The size at which answers are evicted' },
    () => [{ labels: {}, value: cache.report().bytesMax }],
  )
  metrics.counter(
    { name: 'cache.evictions', unit: '{entry}', description: 'Answers that had to make room' },
    () => [{ labels: {}, value: cache.report().evicted }],
  )
}

type OfRoute = (one: RouteStatistics, labels: Readonly<Record<string, string>>) => readonly Point[]

function forRoutes(cache: Pick<Cache, 'report'>, pointsOf: OfRoute): readonly Point[] {
  return Object.entries(cache.report().routes).flatMap(([route, one]) =>
    pointsOf(one, { 'http.route': route }),
  )
}

/** What happens all the time, and what has happened at least once: the rest would double the series. */
const usual: ReadonlySet<string> = new Set(['hit', 'miss', 'absent', 'changed', 'expired'])

const told = (counts: Readonly<Record<string, number>>): readonly (readonly [string, number])[] =>
  Object.entries(counts).filter(([name, count]) => count > 0 || usual.has(name))

/** What was found in Redis is always true and new, so it is among the hits. */
const resultsOf: OfRoute = ({ outcomes, redisHits }, labels) => [
  { labels: { ...labels, tier: 'redis', result: 'hit' }, value: redisHits },
  ...told(outcomes).map(([result, count]) => ({
    labels: { ...labels, tier: 'memory', result },
    value: result === 'hit' ? count - redisHits : count,
  })),
]

function hitsIn({ routes }: Pick<CacheReport, 'routes'>): number {
  return Object.entries(routes)
    .filter(([route]) => route.startsWith('/'))
    .reduce((sum, [, { outcomes }]) => sum + outcomes.hit + outcomes.aged + outcomes.unconfirmed, 0)
}
