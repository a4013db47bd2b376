import { z } from 'zod'
import { inBatches } from '#platform/database/in-batches'
import { pruneOutboxEvents } from '#platform/delivery/prune'
import type { Platform } from '#platform/platform'
import { defineJob } from '#platform/queue/define-job'

const dayMs = 24 * 3600 * 1000
/** For whoever asks whether an event went out. What happened to a link stands in `payment_events` for ever. */
const publishedDays = 30
/** What nobody has replayed within a year nobody will; discarded letters among it. */
const deadDays = 366
const rowsMax = 5000
/** A million events in a run. */
const batchesMax = 200

/** Deletes events that were published long ago and given to everybody. */
export const pruneEvents = defineJob({
  queue: 'housekeeping',
  name: 'prune-outbox-events',
  payload: z.strictObject({}),
  attemptsMax: 3,
  backoffMs: 2000,
  timeoutMs: 240_000,
  concurrency: 1,
  whenGivenUp: 'next-run',
  async run({ db, clock }: Pick<Platform, 'db' | 'clock'>, _payload, { signal }) {
    const daysAgo = (days: number): Date => new Date(clock.now().getTime() - days * dayMs)
    const until = { publishedUntil: daysAgo(publishedDays), deadUntil: daysAgo(deadDays) }
    const batches = { size: rowsMax, countMax: batchesMax, signal }
    return {
      rows: await inBatches((size) => pruneOutboxEvents(db, { ...until, rowsMax: size }), batches),
    }
  },
})
