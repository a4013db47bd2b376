import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'

/** Scores that one statement writes at most. Its row locks are held for as long as it runs: some 20 ms. */
export const scoresPerBatch = 5_000

export type ScoreOptions = {
  /** The instant that ages are counted to. */
  readonly at: Date
  /** `due` are contents whose counters have changed since their last score; `all` are also those that only aged. */
  readonly which?: 'due' | 'all'
  readonly batchRows?: number
  /** Told after each batch how many scores were written so far. */
  readonly progress?: (written: number) => Promise<void>
  readonly signal?: AbortSignal
}

/** Brings the scores of contents up to date, in statements of at most `batchRows` rows that each commit by themselves: a
 *  thousand contents are one statement. Walks along the key, so that it never looks at what it has written; passes over what
 *  somebody else is writing, who leaves it due. Only rows of `content_scores` are locked.
 *  @returns how many scores were written */
export async function updateContentEngagementScores(
  { db }: { readonly db: Runner },
  options: ScoreOptions,
): Promise<number> {
  const { at, which = 'due', batchRows = scoresPerBatch, progress, signal } = options
  const isWanted = which === 'due' ? sql`is_due` : sql`(is_due or engagement_score > 0)`
  let written = 0
  let after = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    signal?.throwIfAborted()
    const [batch] = await db.run(sql<{ written: number; last: string | null }>`
      with wanted as materialized (
        select content_id from content_scores
         where ${isWanted} and content_id > ${after}::uuid
         order by content_id limit ${batchRows} for no key update skip locked
      ), scored as (
        update content_scores s
           set engagement_score = engagement_score(s.view_count, s.like_count, s.comment_count, s.share_count,
                 s.purchase_count, extract(epoch from ${at}::timestamptz - c.published_at)::double precision / 3600,
                 engagement_half_life_hours(o.settings)),
               trending_score = trending_score(s.view_count, s.like_count, s.comment_count, s.share_count,
                 s.purchase_count, extract(epoch from ${at}::timestamptz - c.published_at)::double precision / 3600),
               score_updated_at = ${at}::timestamptz, is_due = false
          from wanted
          join contents c on c.id = wanted.content_id
          join organisations o on o.id = c.organisation_id
         where s.content_id = wanted.content_id
      )
      select count(*)::integer as written, max(content_id::text) as last from wanted`)
    written += batch?.written ?? 0
    await progress?.(written)
    // Fewer than a batch were found: what is behind it is nobody's, or somebody else's who is at work on it.
    if (!batch || batch.last === null || batch.written < batchRows) {
      return written
    }
    after = batch.last
  }
}
