import { sql } from 'kysely'
import type { Clock } from '#platform/clock'
import type { Database, Runner } from '#platform/database/database'
import { transaction } from '#platform/database/transaction'
import { Problem } from '#platform/problem'
import type { Random } from '#platform/random'
import { problems as readProblems } from '#platform/resource/problems'
import { explainScore } from './engagement-score.ts'
import { recountLock } from './roll-up-interactions.ts'
import { scoredColumns } from './scored-columns.ts'

/** Why a content has the score that it has: what was counted, by which half-life, and step by step what that comes to at the
 *  instant it was scored, or now where it never was. `isDue`: a counter has changed since, or `waitingCount` interactions are
 *  not in the counters yet.
 *  @throws {Problem} read/not-found */
export async function explainContent(
  { db, clock }: { readonly db: Runner; readonly clock: Clock },
  contentId: string,
) {
  const [row] = await db.run(sql<Scored>`
    select c.title, c.status, to_json(c.published_at) #>> '{}' as "publishedAt",
           s.view_count::float8 as views, s.like_count::float8 as likes, s.comment_count::float8 as comments,
           s.share_count::float8 as shares, s.purchase_count::float8 as purchases,
           s.engagement_score as "engagementScore", s.trending_score as "trendingScore", s.is_due as "isDue",
           to_json(s.score_updated_at) #>> '{}' as "scoreUpdatedAt",
           extract(epoch from coalesce(s.score_updated_at, ${clock.now()}::timestamptz) - c.published_at)::float8 / 3600
             as "ageHours",
           engagement_half_life_hours(o.settings) as "halfLifeHours",
           (select count(*)::integer from interaction_inbox i where i.content_id = c.id) as "waitingCount"
      from content_scores s join contents c on c.id = s.content_id join organisations o on o.id = c.organisation_id
     where s.content_id = ${contentId}::uuid`)
  if (!row) {
    throw missing()
  }
  const { views, likes, comments, shares, purchases, ...known } = row
  const counts = { views, likes, comments, shares, purchases }
  return { ...known, counts, steps: explainScore(counts, known) }
}

type Scored = {
  readonly title: string
  readonly status: string
  readonly publishedAt: string
  readonly views: number
  readonly likes: number
  readonly comments: number
  readonly shares: number
  readonly purchases: number
  readonly engagementScore: number
  readonly trendingScore: number
  readonly isDue: boolean
  readonly scoreUpdatedAt: string | null
  readonly ageHours: number
  readonly halfLifeHours: number
  readonly waitingCount: number
}

/** What a run of the scoring would have to do now. Looks at every due row, so it takes as long as there are many. */
export async function scoringAhead({ db }: { readonly db: Runner }): Promise<{
  readonly waitingCount: number
  readonly dueCount: number
  readonly scoredCount: number
}> {
  const [row] = await db.run(sql<{ waitingCount: number; dueCount: number; scoredCount: number }>`
    select (select count(*)::integer from interaction_inbox) as "waitingCount",
           (select count(*)::integer from content_scores where is_due) as "dueCount",
           (select count(*)::integer from content_scores where is_due or engagement_score > 0) as "scoredCount"`)
  return row ?? { waitingCount: 0, dueCount: 0, scoredCount: 0 }
}

/** Counts a content anew, from the log of interactions, and scores it; for when a counter is doubted. Meanwhile no counter
 *  grows; interactions are taken all the same.
 *  @throws {Problem} read/not-found */
export async function recomputeContent(
  slice: { readonly db: Database; readonly clock: Clock; readonly random: Random },
  contentId: string,
): Promise<void> {
  await transaction(slice, async (tx) => {
    await tx.run(sql`select pg_advisory_xact_lock(${recountLock}::bigint)`)
    // Only now, for a statement sees what was there when it began.
    const [found] = await tx.run(sql<{ id: string }>`
      with counted as (
        select count(*) filter (where type = 'view') as views,
               count(*) filter (where type = 'like') - count(*) filter (where type = 'unlike') as likes,
               count(*) filter (where type = 'share') as shares,
               count(*) filter (where type = 'comment') as comments,
               count(*) filter (where type = 'purchase') as purchases
          from interactions where content_id = ${contentId}::uuid and is_counted
      ), waiting as (
        delete from interaction_inbox where content_id = ${contentId}::uuid
      )
      update content_scores s
         set view_count = counted.views, like_count = counted.likes, share_count = counted.shares,
             comment_count = counted.comments, purchase_count = counted.purchases
        from counted where s.content_id = ${contentId}::uuid
      returning s.content_id as id`)
    if (!found) {
      throw missing()
    }
    await tx.run(sql`
      update content_scores s set ${scoredColumns(slice.clock.now())}
        from contents c join organisations o on o.id = c.organisation_id
       where s.content_id = ${contentId}::uuid and c.id = s.content_id`)
  })
}

const missing = (): Problem =>
  new Problem(readProblems.notFound, 'There is no content with this id.')
