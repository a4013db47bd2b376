import { pruneOutboxEvents } from '#platform/delivery/prune'
import { definePruning } from '../define-pruning.ts'

/** For whoever asks whether an event went out. What happened to a link stands in `payment_events` for ever. */
const publishedDays = 30
/** What nobody has replayed within a year nobody will; discarded letters among it. */
const deadDays = 366

/** Deletes events that were published long ago and given to everybody. */
export const pruneEvents = definePruning({
  name: 'prune-outbox-events',
  rowsMax: 5000,
  // a million in a run
  batchesMax: 200,
  timeoutMs: 240_000,
  kinds: [
    ({ db }, { rowsMax, daysAgo }) =>
      pruneOutboxEvents(db, {
        publishedUntil: daysAgo(publishedDays),
        deadUntil: daysAgo(deadDays),
        rowsMax,
      }),
  ],
})
