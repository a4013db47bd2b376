import { z } from 'zod'
import { inBatches } from '#platform/database/in-batches'
import { pruneAdminAnswers } from '#members'
import { pruneIdempotencyKeys } from '#platform/delivery/prune'
import type { Platform } from '#platform/platform'
import { defineJob } from '#platform/queue/define-job'

const rowsMax = 2000
/** 200,000 answers in a run, more than an hour brings; a few seconds. */
const batchesMax = 100

/** Deletes answers that were kept for repeated requests and have expired. */
export const pruneAnswers = defineJob({
  queue: 'housekeeping',
  name: 'prune-idempotency-keys',
  payload: z.strictObject({}),
  attemptsMax: 3,
  backoffMs: 2000,
  timeoutMs: 60_000,
  concurrency: 1,
  whenGivenUp: 'next-run',
  async run({ db }: Pick<Platform, 'db'>, _payload, { signal }) {
    const batches = { size: rowsMax, countMax: batchesMax, signal }
    const rows = await inBatches((size) => pruneIdempotencyKeys(db, { rowsMax: size }), batches)
    const ofOperators = await inBatches((size) => pruneAdminAnswers(db, { rowsMax: size }), batches)
    return { rows: rows + ofOperators }
  },
})
