import { z } from 'zod'
import { expireLinks } from '#payments'
import { inBatches } from '#platform/database/in-batches'
import type { Platform } from '#platform/platform'
import { defineJob } from '#platform/queue/define-job'

/** What the cache is told of row by row; of more it would forget every link of every organisation. */
const linksMax = 500
/** Ten thousand links in a run, a few seconds. A flood is closed in the course of several. */
const batchesMax = 20

/** Closes the payment links whose time is over. */
export const expireDueLinks = defineJob({
  queue: 'links',
  name: 'expire-links',
  payload: z.strictObject({}),
  attemptsMax: 3,
  backoffMs: 2000,
  timeoutMs: 50_000,
  concurrency: 1,
  whenGivenUp: 'next-run',
  async run(slice: Pick<Platform, 'db' | 'clock'>, _payload, { signal }) {
    const batches = { size: linksMax, countMax: batchesMax, signal }
    return { rows: await inBatches((size) => expireLinks(slice, { linksMax: size }), batches) }
  },
})
