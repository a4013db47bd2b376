import { defineSchedule, type Schedule } from '#platform/queue/schedule'
import { collectLetters } from './jobs/collect-dead-letters.ts'
import { pruneChanges } from './jobs/prune-change-log.ts'
import {
  refreshFxRates,
  refreshReferenceFxRates,
  refreshVolatileFxRates,
} from './jobs/refresh-fx-rates.ts'

/** Currencies, and tokens that follow one. Each run asks only publishers that may have something new. */
const refreshEveryMs = 5 * 60 * 1000
/** Tokens that move by the minute; as often as a rate of one may be served from the cache, less the time of the call. */
const refreshVolatileEveryMs = 45 * 1000
/** Around 16:00 in Frankfurt, on working days. */
const referenceHours = '*/30 14-16 * * 1-5'
/** Often enough that the log is never much longer than what must be kept of it. */
const pruneEveryMs = 5 * 60 * 1000

const collectEveryMs = 5 * 60 * 1000

/** Everything that happens by itself, UTC. */
export const schedules: readonly Schedule[] = [
  defineSchedule({
    id: 'refresh-fx-rates',
    job: refreshFxRates,
    payload: {},
    cadence: { everyMs: refreshEveryMs },
  }),
  defineSchedule({
    id: 'refresh-volatile-fx-rates',
    job: refreshVolatileFxRates,
    payload: {},
    cadence: { everyMs: refreshVolatileEveryMs },
  }),
  defineSchedule({
    id: 'refresh-reference-fx-rates',
    job: refreshReferenceFxRates,
    payload: {},
    cadence: { cron: referenceHours },
  }),
  defineSchedule({
    id: 'prune-change-log',
    job: pruneChanges,
    payload: {},
    cadence: { everyMs: pruneEveryMs },
  }),
  defineSchedule({
    id: 'collect-dead-letters',
    job: collectLetters,
    payload: {},
    cadence: { everyMs: collectEveryMs },
  }),
]
