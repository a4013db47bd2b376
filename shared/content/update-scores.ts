import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'
import { scoredColumns } from './scored-columns.ts'

/** Scores that one statement writes at most. Its row locks are held for as long as it runs: some 20 ms. */
export const scoresPerBatch = 5_000

export type ScoreOptions = {
  /** The instant that ages are counted to. */
  readonly at: Date
  /** `due` are contents whose counters have changed since their last score; `all` are also those that only aged. */
  readonly which?: 'due' | 'all'
  readonly batchRows?: number
  readonly signal?: AbortSignal
}

// The rows of a batch are named to each table as an array: both indexes are then read in one go along the batch, be it dense
// or scattered. A join with the batch was half as dear again: PostgreSQL looked each row up by itself, or read all contents.

/** Brings the scores of contents up to date, in statements of at most `batchRows` rows that each commit by themselves: a
 *  thousand contents are one statement. Walks along the key, so that it never looks at what it has written; passes over what
 *  somebody else is writing, who leaves it due. Only rows of `content_scores` are locked.
 *  @returns how many scores were written */
export async function updateContentEngagementScores(
  { db }: { readonly db: Runner },
  options: ScoreOptions,
): Promise<number> {
  const { at, which = 'due', batchRows = scoresPerBatch, signal } = options
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
           set ${scoredColumns(at)}
          from contents c join organisations o on o.id = c.organisation_id
         where s.content_id = any (array(select content_id from wanted))
           and c.id = any (array(select content_id from wanted)) and c.id = s.content_id
      )
      select count(*)::integer as written, max(content_id::text) as last from wanted`)
    written += batch?.written ?? 0
    // Fewer than a batch were found: what is behind it is nobody's, or somebody else's who is at work on it.
    if (!batch || batch.last === null || batch.written < batchRows) {
      return written
    }
    after = batch.last
  }
}
