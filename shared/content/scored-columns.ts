import { sql, type RawBuilder } from 'kysely'

/** What scoring writes to a row `s` of `content_scores`, with its content as `c` and its organisation as `o`. */
export function scoredColumns(at: Date): RawBuilder<unknown> {
  const counts = sql`s.view_count, s.like_count, s.comment_count, s.share_count, s.purchase_count`
  const age = sql`extract(epoch from ${at}::timestamptz - c.published_at)::double precision / 3600`
  return sql`
    engagement_score = engagement_score(${counts}, ${age}, engagement_half_life_hours(o.settings)),
    trending_score = trending_score(${counts}, ${age}),
    score_updated_at = ${at}::timestamptz, is_due = false`
}
