import { defineSchedule, type Schedule } from '#platform/queue/schedule'
import { refreshFxRates } from './jobs/refresh-fx-rates.ts'

/** Fiat and stable pairs; none of our publishers changes its rates more often than this. */
const refreshEveryMs = 5 * 60 * 1000

/** Everything that happens by itself, UTC. */
export const schedules: readonly Schedule[] = [
  defineSchedule({
    id: 'refresh-fx-rates',
    job: refreshFxRates,
    payload: {},
    cadence: { everyMs: refreshEveryMs },
  }),
]
