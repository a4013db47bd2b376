import { defineSchedule, type Schedule } from '#platform/queue/schedule'
import { analyzeTables } from './jobs/analyze-tables.ts'
import { buildRecommendations } from './jobs/build-recommendations.ts'
import { collectLetters } from './jobs/collect-dead-letters.ts'
import { checkFrozenRates } from './jobs/check-frozen-rates.ts'
import { expireDueLinks } from './jobs/expire-links.ts'
import { pruneAnswers } from './jobs/prune-idempotency-keys.ts'
import { pruneChanges } from './jobs/prune-change-log.ts'
import { rebuildCaches } from './jobs/rebuild-caches.ts'
import { refreshCaches } from './jobs/refresh-caches.ts'
import { pruneEvents } from './jobs/prune-outbox-events.ts'
import { pruneOldReports } from './jobs/prune-reports.ts'
import { pruneRuns } from './jobs/prune-job-runs.ts'
import {
  refreshFxRates,
  refreshReferenceFxRates,
  refreshVolatileFxRates,
} from './jobs/refresh-fx-rates.ts'
import { reportIndexes } from './jobs/report-indexes.ts'
import { reviewWeek } from './jobs/review-week.ts'
import { rollUp } from './jobs/roll-up-interactions.ts'
import { scoreContents } from './jobs/score-contents.ts'
import { tendOldInteractions } from './jobs/tend-interactions.ts'

/** Currencies, and tokens that follow one. Each run asks only publishers that may have something new. */
const refreshEveryMs = 5 * 60 * 1000
/** Tokens that move by the minute; as often as a rate of one may be served from the cache, less the time of the call. */
const refreshVolatileEveryMs = 45 * 1000
/** Around 16:00 in Frankfurt, on working days. */
const referenceHours = '*/30 14-16 * * 1-5'
/** Often enough that the log is never much longer than what must be kept of it. */
const pruneEveryMs = 5 * 60 * 1000
/** The longest that a link says open after its time, a run of the job aside. */
const expireEveryMs = 60 * 1000
const checkEveryMs = 5 * 60 * 1000
const collectEveryMs = 5 * 60 * 1000
const hourMs = 60 * 60 * 1000
/** A ranking is kept for a minute; its counters need not be much younger. */
const rollUpEveryMs = 60 * 1000

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
    id: 'collect-dead-letters',
    job: collectLetters,
    payload: {},
    cadence: { everyMs: collectEveryMs },
  }),
  defineSchedule({
    id: 'prune-change-log',
    job: pruneChanges,
    payload: {},
    cadence: { everyMs: pruneEveryMs },
  }),
  defineSchedule({
    id: 'expire-links',
    job: expireDueLinks,
    payload: {},
    cadence: { everyMs: expireEveryMs },
  }),
  defineSchedule({
    id: 'check-frozen-rates',
    job: checkFrozenRates,
    payload: {},
    cadence: { everyMs: checkEveryMs },
  }),
  defineSchedule({
    id: 'prune-idempotency-keys',
    job: pruneAnswers,
    payload: {},
    cadence: { everyMs: hourMs },
  }),
  defineSchedule({
    id: 'prune-job-runs',
    job: pruneRuns,
    payload: {},
    cadence: { cron: '10 3 * * *' },
  }),
  defineSchedule({
    id: 'prune-outbox-events',
    job: pruneEvents,
    payload: {},
    cadence: { cron: '20 3 * * *' },
  }),
  defineSchedule({
    id: 'prune-reports',
    job: pruneOldReports,
    payload: {},
    cadence: { cron: '30 3 * * *' },
  }),
  defineSchedule({
    id: 'analyze-tables',
    job: analyzeTables,
    payload: {},
    cadence: { cron: '0 4 1 * *' },
  }),
  defineSchedule({
    id: 'report-indexes',
    job: reportIndexes,
    payload: {},
    cadence: { cron: '30 4 1 * *' },
  }),
  defineSchedule({
    id: 'review-week',
    job: reviewWeek,
    payload: {},
    cadence: { cron: '0 5 * * 1' },
  }),
  defineSchedule({
    id: 'refresh-caches',
    job: refreshCaches,
    payload: {},
    cadence: { cron: '0 * * * *' },
  }),
  defineSchedule({
    id: 'rebuild-caches',
    job: rebuildCaches,
    payload: {},
    cadence: { cron: '0 0 * * *' },
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
    cadence: { everyMs: hourMs },
  }),
  defineSchedule({
    id: 'tend-interactions',
    job: tendOldInteractions,
    payload: {},
    cadence: { cron: '40 3 * * *' },
  }),
  defineSchedule({
    id: 'build-recommendations',
    job: buildRecommendations,
    payload: {},
    // A day of interactions moves no neighbours far.
    cadence: { cron: '20 3 * * *' },
  }),
]
