import type { Cache } from '../cache/cache.ts'
import type { Reserve } from '../database/reserve.ts'
import type { Queues } from '../queue/queues.ts'
import { summarise, type RequestFigures } from '../telemetry/request-figures.ts'
import type { Check } from './check.ts'

/** Below the 100 ms that a basic health check may take in all. */
const pingBudgetMs = 80

/** Asks the database on a connection beside the pool, so that the answer neither waits behind requests nor costs one. */
export function databaseCheck(reserve: Reserve): Check {
  return {
    name: 'database',
    isService: true,
    isVital: true,
    budgetMs: pingBudgetMs,
    run: () => reserve.ping().then(() => ({ state: 'pass' })),
  }
}

/** Pings the queues' backend. Not vital: without it nothing new is enqueued, and reads and writes go on. */
export function queueCheck(queues: Pick<Queues, 'ping' | 'backend'>): Check {
  return {
    name: 'queue',
    isService: true,
    isVital: false,
    budgetMs: pingBudgetMs,
    async run() {
      const { kind: backend } = queues.backend
      return queues.ping().then(
        () => ({ state: 'pass', facts: { backend } }),
        () => ({ state: 'fail', facts: { backend } }),
      )
    },
  }
}

/** The tiers of the cache, and how it is with Redis where that is one of them. Not vital: without it reads cost more. */
export function cacheCheck(cache: Pick<Cache, 'ping' | 'tiers'>): Check {
  const backend = { none: 'none', memory: 'memory', 'memory-and-redis': 'redis' }[cache.tiers]
  return {
    name: 'cache',
    isService: true,
    isVital: false,
    budgetMs: pingBudgetMs,
    run: () =>
      cache.ping().then(
        () => ({ state: 'pass', facts: { backend } }),
        () => ({ state: 'warn', facts: { backend } }),
      ),
  }
}

/** A process that serves no reads keeps no answers. */
export const noCacheCheck: Check = cacheCheck({ tiers: 'none', ping: async () => undefined })

/** What requests took since the process began, and how many of them were answered before routing. Fails never: that some
 *  were slow is for alerts to judge, not for probes. */
export function requestsCheck(figures: RequestFigures): Check {
  return {
    name: 'requests',
    isService: false,
    isVital: false,
    budgetMs: pingBudgetMs,
    async run() {
      const { count, failedCount, quantileSeconds } = summarise(figures.all())
      const p50Seconds = quantileSeconds(0.5)
      const p95Seconds = quantileSeconds(0.95)
      const p99Seconds = quantileSeconds(0.99)
      return {
        state: 'pass',
        facts: {
          count,
          failedCount,
          edgeCount: figures.edgeCount,
          ...(p50Seconds !== undefined && { p50Seconds }),
          ...(p95Seconds !== undefined && { p95Seconds }),
          ...(p99Seconds !== undefined && { p99Seconds }),
        },
      }
    },
  }
}
