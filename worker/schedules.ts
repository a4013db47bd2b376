import { defineSchedule, type Schedule } from '#platform/queue/schedule'
import { buildRecommendations } from './jobs/build-recommendations.ts'
import { pruneChanges } from './jobs/prune-change-log.ts'
import { refreshFxRates } from './jobs/refresh-fx-rates.ts'
import { rollUp } from './jobs/roll-up-interactions.ts'
import { scoreContents } from './jobs/score-contents.ts'
import { tendOldInteractions } from './jobs/tend-interactions.ts'

/** Fiat and stable pairs; none of our publishers changes its rates more often than this. */
const refreshEveryMs = 5 * 60 * 1000
/** Often enough that the log is never much longer than what must be kept of it. */
const pruneEveryMs = 5 * 60 * 1000
/** A ranking is kept for a minute; its counters need not be much younger. */
const rollUpEveryMs = 60 * 1000
/** By 72 hours a score loses 1 % in an hour. */
const scoreEveryMs = 60 * 60 * 1000
const tendEveryMs = 24 * 60 * 60 * 1000
/** A day of interactions moves no neighbours far. */
const buildEveryMs = 24 * 60 * 60 * 1000

/** Everything that happens by itself, UTC. */
export const schedules: readonly Schedule[] = [
  defineSchedule({
    id: 'refresh-fx-rates',
    job: refreshFxRates,
    payload: {},
    cadence: { everyMs: refreshEveryMs },
  }),
  defineSchedule({
    id: 'prune-change-log',
    job: pruneChanges,
    payload: {},
    cadence: { everyMs: pruneEveryMs },
  }),
  defineSchedule({
    id: 'roll-up-interactions',
    job: rollUp,
    payload: {},
    cadence: { everyMs: rollUpEveryMs },
  }),
  defineSchedule({
    id: 'score-contents',
    job: scoreContents,
    payload: {},
    cadence: { everyMs: scoreEveryMs },
  }),
  defineSchedule({
    id: 'tend-interactions',
    job: tendOldInteractions,
    payload: {},
    cadence: { everyMs: tendEveryMs },
  }),
  defineSchedule({
    id: 'build-recommendations',
    job: buildRecommendations,
    payload: {},
    cadence: { everyMs: buildEveryMs },
  }),
]
