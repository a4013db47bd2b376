import type { Cache } from '../cache/cache.ts'
import type { Reserve } from '../database/reserve.ts'
import type { Queues } from '../queue/queues.ts'
import type { Check } from './check.ts'

/** Below the 100 ms that a basic health check may take in all. */
const pingBudgetMs = 80

/** How long what only operators ask may take: with the rest it stays below the 500 ms of a detailed report. */
export const detailBudgetMs = 400

/** Asks the database on a connection beside the pool, so that the answer neither waits behind requests nor costs one. */
export function databaseCheck(reserve: Pick<Reserve, 'ping'>): Check {
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
  const hasRedis = backend === 'redis'
  const away = { state: 'warn', facts: { backend, redis: false } } as const
  return {
    name: 'cache',
    isService: true,
    isVital: false,
    budgetMs: pingBudgetMs,
    whenLate: away,
    run: () =>
      cache.ping().then(
        () => ({ state: 'pass', facts: { backend, ...(hasRedis && { redis: true }) } }),
        () => away,
      ),
  }
}

/** A process that serves no reads keeps no answers. */
export const noCacheCheck: Check = cacheCheck({ tiers: 'none', ping: async () => undefined })
