import type { JobDefinition } from '#platform/queue/define-job'
import type { WorkerSlice } from './app.ts'
import { expireDueLinks } from './jobs/expire-links.ts'
import { pruneChanges } from './jobs/prune-change-log.ts'
import { refreshFxRates } from './jobs/refresh-fx-rates.ts'

/** Every job that this process runs. */
export const jobs: readonly JobDefinition<WorkerSlice>[] = [
  refreshFxRates,
  pruneChanges,
  expireDueLinks,
]
