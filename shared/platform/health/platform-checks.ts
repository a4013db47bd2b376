import { sql } from 'kysely'
import type { Database } from '../database/database.ts'
import type { Queues } from '../queue/queues.ts'
import type { Check } from './check.ts'

/** Below the 100 ms that a basic health check may take in all. */
const pingBudgetMs = 80

/** Pings the database. A pool that is wholly in use is not pinged: waiting for a connection would say nothing about the
 *  server, and would stand in the way of requests. */
export function databaseCheck(db: Database): Check {
  return {
    name: 'database',
    isService: true,
    isVital: true,
    budgetMs: pingBudgetMs,
    async run() {
      const { active, max } = db.statistics()
      if (active >= max) {
        return { state: 'warn', facts: { saturated: true } }
      }
      await db.run(sql`select 1`)
      return { state: 'pass' }
    },
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

/** There is no response cache yet; monitors that ask for it are told so. */
export const cacheCheck: Check = {
  name: 'cache',
  isService: true,
  isVital: false,
  budgetMs: pingBudgetMs,
  run: async () => ({ state: 'pass', facts: { backend: 'none' } }),
}
