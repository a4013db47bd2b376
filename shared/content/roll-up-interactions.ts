import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'

/** Interactions that one statement folds at most. */
export const interactionsPerBatch = 5_000

export type RollUpOptions = {
  readonly batchRows?: number
  readonly signal?: AbortSignal
}

/** Folds new interactions into the counters of their contents and into the hourly rollups, in statements of at most
 *  `batchRows` that each commit by themselves, until none are left. Each is taken from the inbox by the statement that counts
 *  it, so it counts exactly once, whoever else is at it. Whose counters change is due for scoring.
 *  @returns how many were folded */
export async function rollUpInteractions(
  { db }: { readonly db: Runner },
  { batchRows = interactionsPerBatch, signal }: RollUpOptions = {},
): Promise<number> {
  let folded = 0
  for (;;) {
    signal?.throwIfAborted()
    const [batch] = await db.run(fold(batchRows))
    folded += batch?.taken ?? 0
    if (!batch || batch.taken < batchRows) {
      return folded
    }
  }
}

/** Held by whoever counts a content anew, and shared by those who add to counters. */
export const recountLock = 7_433_647

/** Rows of scores are locked in the order of their key, and the scoring passes over them: nobody waits in a circle. */
const fold = (batchRows: number) => sql<{ taken: number }>`
  with turn as materialized (
    select pg_advisory_xact_lock_shared(${recountLock}::bigint)
  ), taken as materialized (
    delete from interaction_inbox
     where id in (select id from interaction_inbox, turn order by id limit ${batchRows}
                     for update of interaction_inbox skip locked)
    returning content_id, type, created_at
  ), hourly as (
    insert into interaction_rollups as known (content_id, hour, type, count)
    select content_id, date_trunc('hour', created_at, 'UTC') as hour, type, count(*)
      from taken where exists (select from contents where id = content_id)
     group by content_id, hour, type order by content_id, hour, type
    on conflict (content_id, hour, type) do update set count = known.count + excluded.count
  ), sums as materialized (
    select content_id,
           count(*) filter (where type = 'view') as views,
           count(*) filter (where type = 'like') - count(*) filter (where type = 'unlike') as likes,
           count(*) filter (where type = 'share') as shares,
           count(*) filter (where type = 'comment') as comments,
           count(*) filter (where type = 'purchase') as purchases
      from taken group by content_id
  ), mine as materialized (
    select content_id from content_scores where content_id in (select content_id from sums)
     order by content_id for no key update
  ), counted as (
    update content_scores s
       set view_count = s.view_count + sums.views, like_count = s.like_count + sums.likes,
           share_count = s.share_count + sums.shares, comment_count = s.comment_count + sums.comments,
           purchase_count = s.purchase_count + sums.purchases, is_due = true
      from sums join mine on mine.content_id = sums.content_id
     where s.content_id = sums.content_id
  )
  select count(*)::integer as taken from taken`
