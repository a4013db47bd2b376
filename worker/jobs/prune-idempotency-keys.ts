import { pruneAdminAnswers } from '#members'
import { pruneIdempotencyKeys } from '#platform/delivery/prune'
import { definePruning } from '../define-pruning.ts'

/** Deletes answers that were kept for repeated requests, of callers and of operators, and have expired. */
export const pruneAnswers = definePruning({
  name: 'prune-idempotency-keys',
  rowsMax: 2000,
  // 200,000 answers in a run, more than an hour brings
  batchesMax: 100,
  timeoutMs: 60_000,
  kinds: [
    ({ db }, { rowsMax }) => pruneIdempotencyKeys(db, { rowsMax }),
    ({ db }, { rowsMax }) => pruneAdminAnswers(db, { rowsMax }),
  ],
})
