import { sql } from 'kysely'
import type { Clock } from '../clock.ts'
import type { Runner } from '../database/database.ts'
import type { Canary } from '../queue/canary.ts'
import { readSchedules } from '../queue/late-schedules.ts'
import type { Check } from './check.ts'
import { detailBudgetMs } from './platform-checks.ts'

/** A process whose canary is older does not consume, whatever its connections say; several are sung in that time. */
const canaryAgeMsMax = 60_000

/** Whether this process does jobs. */
export function canaryCheck(canary: Canary): Check {
  return {
    name: 'canary',
    isService: false,
    isVital: true,
    budgetMs: 80,
    async run() {
      const ageSeconds = Math.round(canary.ageMs() / 1000)
      const isHeard = canary.ageMs() < canaryAgeMsMax
      return { state: isHeard ? 'pass' : 'fail', facts: { ageSeconds } }
    },
  }
}

/** Long enough after its start for what was missed while no worker ran. */
const settledAfterMs = 60_000

/** Whether everything happens that is to happen by itself. A late schedule makes the worker unhealthy, once it has been up for
 *  a minute. */
export function schedulesCheck(slice: { readonly db: Runner; readonly clock: Clock }): Check {
  const startedMs = slice.clock.monotonicMs()
  return {
    name: 'schedules',
    isService: false,
    isVital: true,
    budgetMs: 80,
    // That the database is slow or away is for its own check to say.
    whenLate: { state: 'warn' },
    async run() {
      const schedules = await readSchedules(slice)
      const late = schedules.filter(({ isLate }) => isLate).map(({ id }) => id)
      const isSettled = slice.clock.monotonicMs() - startedMs > settledAfterMs
      const state = late.length === 0 ? 'pass' : isSettled ? 'fail' : 'warn'
      return {
        state,
        facts: { count: schedules.length, ...(late.length > 0 && { late: late.join(' ') }) },
      }
    },
  }
}

/** Whether jobs were given up that wait for somebody to decide. Worth a look, and no reason to stop. */
export function deadLettersCheck({ db }: { readonly db: Runner }): Check {
  return {
    name: 'deadLetters',
    isService: false,
    isVital: false,
    budgetMs: detailBudgetMs,
    async run() {
      const [row] = await db.run(sql<{ open: number }>`
        select count(*)::integer as open from (
          select from dead_letters where resolution is null limit 1000) as letters`)
      const open = row?.open ?? 0
      return { state: open === 0 ? 'pass' : 'warn', facts: { open } }
    },
  }
}
