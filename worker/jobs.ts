import type { JobDefinition } from '#platform/queue/define-job'
import type { WorkerSlice } from './app.ts'
import { buildRecommendations } from './jobs/build-recommendations.ts'
import { pruneChanges } from './jobs/prune-change-log.ts'
import { refreshFxRates } from './jobs/refresh-fx-rates.ts'
import { rollUp } from './jobs/roll-up-interactions.ts'
import { scoreContents } from './jobs/score-contents.ts'
import { tendOldInteractions } from './jobs/tend-interactions.ts'

/** Every job that this process runs. */
export const jobs: readonly JobDefinition<WorkerSlice>[] = [
  refreshFxRates,
  pruneChanges,
  rollUp,
  scoreContents,
  tendOldInteractions,
  buildRecommendations,
]
