import { z } from 'zod'
import { inBatches } from '#platform/database/in-batches'
import { pruneJobRuns } from '#platform/delivery/prune'
import type { Platform } from '#platform/platform'
import { defineJob } from '#platform/queue/define-job'

const dayMs = 24 * 3600 * 1000
/** Long enough to compare a month with the one before it began. */
const completedDays = 30
/** Failures are few, and a yearly one is recognised by the last. */
const failedDays = 366
const rowsMax = 5000
/** A million runs in a run; some 40,000 come in a day. */
const batchesMax = 200

/** Deletes the records of runs that ended long ago. */
export const pruneRuns = defineJob({
  queue: 'housekeeping',
  name: 'prune-job-runs',
  payload: z.strictObject({}),
  attemptsMax: 3,
  backoffMs: 2000,
  timeoutMs: 240_000,
  concurrency: 1,
  whenGivenUp: 'next-run',
  async run({ db, clock }: Pick<Platform, 'db' | 'clock'>, _payload, { signal }) {
    const daysAgo = (days: number): Date => new Date(clock.now().getTime() - days * dayMs)
    const until = { completedUntil: daysAgo(completedDays), failedUntil: daysAgo(failedDays) }
    const batches = { size: rowsMax, countMax: batchesMax, signal }
    return {
      rows: await inBatches((size) => pruneJobRuns(db, { ...until, rowsMax: size }), batches),
    }
  },
})
