import { z } from 'zod'
import { inBatches } from '#platform/database/in-batches'
import type { Platform } from '#platform/platform'
import { defineJob } from '#platform/queue/define-job'
import { pruneReports } from '#platform/reports/reports'

const dayMs = 24 * 3600 * 1000
/** More than a year, so that a month can be compared with the same one of last year. */
const keptDays = 400
const rowsMax = 1000
const batchesMax = 10

/** Deletes old reports. */
export const pruneOldReports = defineJob({
  queue: 'housekeeping',
  name: 'prune-reports',
  payload: z.strictObject({}),
  attemptsMax: 3,
  backoffMs: 2000,
  timeoutMs: 60_000,
  concurrency: 1,
  whenGivenUp: 'next-run',
  async run({ db, clock }: Pick<Platform, 'db' | 'clock'>, _payload, { signal }) {
    const until = new Date(clock.now().getTime() - keptDays * dayMs)
    const batches = { size: rowsMax, countMax: batchesMax, signal }
    return { rows: await inBatches((size) => pruneReports(db, { until, rowsMax: size }), batches) }
  },
})
