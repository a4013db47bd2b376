import { pruneDeadLetters, pruneJobRuns } from '#platform/delivery/prune'
import { definePruning } from '../define-pruning.ts'

/** Long enough to compare a month with the one before it began. */
const completedDays = 30
/** Failures are few, and a yearly one is recognised by the last. Likewise dead letters that somebody has decided about. */
const failedDays = 366

/** Deletes the records of runs that ended long ago, and dead letters that were replayed or discarded then. */
export const pruneRuns = definePruning({
  name: 'prune-job-runs',
  rowsMax: 5000,
  // a million in a run; some 40,000 come in a day
  batchesMax: 200,
  timeoutMs: 240_000,
  kinds: [
    ({ db }, { rowsMax, daysAgo }) =>
      pruneJobRuns(db, {
        completedUntil: daysAgo(completedDays),
        failedUntil: daysAgo(failedDays),
        rowsMax,
      }),
    ({ db }, { rowsMax, daysAgo }) =>
      pruneDeadLetters(db, { resolvedUntil: daysAgo(failedDays), rowsMax }),
  ],
})
