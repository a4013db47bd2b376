import { backfillFxRates } from '#fx'
import type { JobDefinition } from '#platform/queue/define-job'
import type { WorkerSlice } from './app.ts'
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

/** Every job that this process runs. */
export const jobs: readonly JobDefinition<WorkerSlice>[] = [
  refreshFxRates,
  refreshVolatileFxRates,
  refreshReferenceFxRates,
  backfillFxRates,
  collectLetters,
  pruneChanges,
  expireDueLinks,
  checkFrozenRates,
  pruneAnswers,
  pruneRuns,
  pruneEvents,
  pruneOldReports,
  analyzeTables,
  reportIndexes,
  reviewWeek,
  refreshCaches,
  rebuildCaches,
  rollUp,
  scoreContents,
  tendOldInteractions,
  buildRecommendations,
]
