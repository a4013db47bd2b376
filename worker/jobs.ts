import { backfillFxRates } from '#fx'
import type { JobDefinition } from '#platform/queue/define-job'
import type { WorkerSlice } from './app.ts'
import { collectLetters } from './jobs/collect-dead-letters.ts'
import { pruneChanges } from './jobs/prune-change-log.ts'
import {
  refreshFxRates,
  refreshReferenceFxRates,
  refreshVolatileFxRates,
} from './jobs/refresh-fx-rates.ts'

/** Every job that this process runs. */
export const jobs: readonly JobDefinition<WorkerSlice>[] = [
  refreshFxRates,
  refreshVolatileFxRates,
  refreshReferenceFxRates,
  backfillFxRates,
  pruneChanges,
  collectLetters,
]
