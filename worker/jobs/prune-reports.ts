import { pruneReports } from '#platform/reports/reports'
import { definePruning } from '../define-pruning.ts'

/** More than a year, so that a month can be compared with the same one of last year. */
const keptDays = 400

/** Deletes old reports. */
export const pruneOldReports = definePruning({
  name: 'prune-reports',
  rowsMax: 1000,
  batchesMax: 10,
  timeoutMs: 60_000,
  kinds: [
    ({ db }, { rowsMax, daysAgo }) => pruneReports(db, { until: daysAgo(keptDays), rowsMax }),
  ],
})
