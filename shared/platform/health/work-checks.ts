import { sql } from 'kysely'
import type { Clock } from '../clock.ts'
import type { Runner } from '../database/database.ts'
import { readSchedules } from '../queue/late-schedules.ts'
import { readQueues, type OperateSlice } from '../queue/operate-jobs.ts'
import type { Check } from './check.ts'
import { detailBudgetMs } from './platform-checks.ts'

/** Whether workers do their work, as the database knows it, for a process that has no queues of its own: by what is to happen by
 *  itself and did not. Not vital: reads and writes go on, and their events wait. */
export function workCheck(slice: { readonly db: Runner; readonly clock: Clock }): Check {
  return {
    name: 'queue',
    isService: true,
    isVital: false,
    budgetMs: detailBudgetMs,
    async run() {
      const schedules = await readSchedules(slice)
      const late = schedules.filter(({ isLate }) => isLate).length
      const facts = { schedules: schedules.length, late }
      if (late > 0) {
        return { state: 'fail', facts }
      }
      // nobody has declared any: no worker was ever started
      return { state: schedules.length > 0 ? 'pass' : 'warn', facts }
    },
  }
}

/** Workers take a job within seconds; what waits so long waits for one, or for an operator who paused the queue. */
const jobWaitSecondsMax = 300

/** How long the job has waited that is next, in whichever queue that is longest. Not vital: it is for workers to say whether
 *  they work. */
export function backlogCheck(slice: OperateSlice): Check {
  return {
    name: 'backlog',
    isService: false,
    isVital: false,
    budgetMs: detailBudgetMs,
    async run() {
      const queues = await readQueues(slice)
      const oldest = Math.max(0, ...queues.map((one) => one.oldestWaitingSeconds ?? 0))
      const waiting = queues.reduce((sum, one) => sum + one.waiting, 0)
      const paused = queues.filter(({ isPaused }) => isPaused).length
      const isMoving = oldest <= jobWaitSecondsMax && paused === 0
      return { state: isMoving ? 'pass' : 'warn', facts: { oldest_s: oldest, waiting, paused } }
    },
  }
}

/** The relay takes an event within a second; what waits so long waits for a worker. */
const outboxLagSecondsMax = 60

/** How long the oldest event waits to be handed to its subscribers. One probe of an index. */
export function outboxCheck({ db }: { readonly db: Runner }): Check {
  return {
    name: 'outbox',
    isService: false,
    isVital: false,
    budgetMs: detailBudgetMs,
    async run() {
      const [row] = await db.run(sql<{ lag: number }>`
        select extract(epoch from clock_timestamp() - created_at)::float8 as lag
          from outbox_events where published_at is null order by id limit 1`)
      const lag = Math.max(0, Math.round(row?.lag ?? 0))
      return { state: lag <= outboxLagSecondsMax ? 'pass' : 'warn', facts: { lag_s: lag } }
    },
  }
}
