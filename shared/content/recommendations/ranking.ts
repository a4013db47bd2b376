import { sql, type RawBuilder } from 'kysely'
import { strengthOf } from './strength.ts'

/**
 * The ranking of recommendations for one member, as one relation: `place`, `id` and the columns of `why`. It is written once
 * and read twice: for a member by `getRecommendations`, and for many members as of a past instant by the evaluation, so that
 * what is measured is what is served. Candidates come from six places, each a range of an index or an array:
 * neighbours of what the member took, trending contents, the newest about the member's interests, the most engaged with, the
 * newest, and of ten places one for what hardly anybody has seen. Refused: scoring every content for every member, and a
 * table with the lists of all members, which is written for the many who never come.
 */
export type Ranking = {
  readonly organisationId: RawBuilder<unknown>
  readonly memberId: RawBuilder<unknown>
  /** The condition that finds the model. */
  readonly model: RawBuilder<unknown>
  /** What the member did from this instant on is not known. */
  readonly before: RawBuilder<unknown>
  /** Contents that appear from this instant on are not known. */
  readonly at: RawBuilder<unknown>
  /** Any text: what is explored is the same for the same member and text. */
  readonly seed: RawBuilder<unknown>
  readonly limit: RawBuilder<unknown>
  readonly excludesSeen: RawBuilder<unknown>
  /** A relation of `member_id`, `tag_id` and `weight`. */
  readonly interests: RawBuilder<unknown>
  /** Whether today's status and scores of contents count. A past did not know them. */
  readonly isToday: boolean
}

/** Contents of the member whose neighbours are looked at, the strongest first; each costs some four pages. */
const seedsMax = 32
/** Days after which what the member took counts half as much for what is near it. */
const seedHalfLifeDays = 60
/** What is near the member's own counts 1 at most. By the evaluation on the months before the last, see README. */
const weights = { trending: 1, interest: 0.1, engaged: 0.05, fresh: 0.05 } as const
const interestsMax = 5
const contentsPerInterest = 10
const engagedMax = 30
const freshMax = 20
/** More than are wanted, for some of the best may be gone since the model was built. */
const spare = 15
/** In this many places one is for what hardly anybody has seen. */
const explorationEvery = 10
const explorationTries = 8

/** Builds the relation. Rows come in no order; `place` says it. */
export function rankingOf(ranking: Ranking): RawBuilder<unknown> {
  const { memberId, model, before, limit, excludesSeen, seed } = ranking
  const isUnseen = (id: RawBuilder<unknown>) =>
    sql`(not ${excludesSeen} or ${id} not in (select content_id from seen))`
  return sql`
    with model as materialized (
      select id, trained_until, trending_ids, trending_weights, exploration_ids
        from recommendation_models where ${model}
    ), seen as materialized (
      select content_id, type, created_at from interactions where member_id = ${memberId} and created_at < ${before}
    ), seeds as materialized (
      select content_id, max(${strengthOf(sql`created_at`, sql`model.trained_until`, seedHalfLifeDays)}) as weight
        from seen cross join model where type <> 'unlike'
       group by content_id order by weight desc, content_id limit ${sql.lit(seedsMax)}
    ), near as (
      select n.id, sum(seeds.weight * n.weight) as weight,
             (array_agg(seeds.content_id order by seeds.weight * n.weight desc, seeds.content_id))[1] as because
        from seeds cross join model
       cross join lateral (
         select unnest(neighbour_ids) as id, unnest(c.weights) as weight from content_neighbours c
          where c.model_id = model.id and c.content_id = seeds.content_id) as n
       group by n.id
    ), candidates as (
      select id, weight / max(weight) over () as near, because,
             0 as trending, 0 as interest, null::uuid as tag_id, 0 as engaged, 0 as fresh from near
      union all
      select t.id, 0, null, t.weight, 0, null, 0, 0
        from model cross join lateral unnest(trending_ids, trending_weights) as t (id, weight)
      ${interesting(ranking)}
      ${engaged(ranking)}
      ${fresh(ranking)}
    ), scored as (
      select *, near + ${sql.lit(weights.trending)} * trending + ${sql.lit(weights.interest)} * interest
                + ${sql.lit(weights.engaged)} * engaged + ${sql.lit(weights.fresh)} * fresh as score
        from (select id, max(near) as near, (array_agg(because) filter (where because is not null))[1] as because,
                     max(trending) as trending, max(interest) as interest,
                     (array_agg(tag_id order by interest desc) filter (where tag_id is not null))[1] as tag_id,
                     max(engaged) as engaged, max(fresh) as fresh
                from candidates group by id) as together
       where ${isUnseen(sql`id`)}
    ), best as materialized (
      select * from scored order by score desc, id limit ${limit} + ${sql.lit(spare)}
    ), explored as (
      select tried.id, row_number() over (order by n) as n
        from model cross join lateral (
          select n, exploration_ids[1 + ((hashtextextended(${memberId}::text || ${seed}, 0) & 9007199254740991) + 7919 * n)
                                        % cardinality(exploration_ids)] as id
            from generate_series(1, ${sql.lit(explorationTries)}) as n
           where cardinality(exploration_ids) > 0) as tried
       where ${isUnseen(sql`tried.id`)} and tried.id not in (select id from best) and ${shown(ranking, sql`tried.id`)}
       order by n limit ${limit} / ${sql.lit(explorationEvery)}
    ), main as (
      select *, row_number() over (order by score desc, id) as n from best where ${shown(ranking, sql`best.id`)}
    )
    select n + least((n - 1) / ${sql.lit(explorationEvery - 1)}, (select count(*) from explored)) as place, id, score,
           ${reason} as kind, because, tag_id
      from main where n <= ${limit} - (select count(*) from explored)
    union all
    select ${sql.lit(explorationEvery)} * n, id, 0, 'exploration', null, null from explored`
}

/** What adds most to the score. */
const reason = sql`case greatest(near, ${sql.lit(weights.trending)} * trending, ${sql.lit(weights.interest)} * interest,
                                 ${sql.lit(weights.engaged)} * engaged, ${sql.lit(weights.fresh)} * fresh)
  when near then 'bought-together' when ${sql.lit(weights.trending)} * trending then 'popular'
  when ${sql.lit(weights.interest)} * interest then 'interest' when ${sql.lit(weights.engaged)} * engaged then 'popular'
  else 'new' end`

/** The newest contents about what the member is most interested in. */
function interesting({ memberId, interests, isToday, at }: Ranking): RawBuilder<unknown> {
  return sql`
      union all
      select tagged.id, 0, null, 0, i.share / tagged.rank, i.tag_id, 0, 0
        from (select tag_id, weight / max(weight) over () as share from ${interests} i
               where i.member_id = ${memberId} order by weight desc, tag_id desc limit ${sql.lit(interestsMax)}) as i
       cross join lateral (
         select content_id as id, row_number() over (order by published_at desc, content_id desc) as rank
           from (select content_id, published_at from content_tags
                  where tag_id = i.tag_id and ${isToday ? sql`is_listed` : sql`is_listed in (true, false)`}
                    and published_at < ${at}
                  order by published_at desc, content_id desc limit ${sql.lit(contentsPerInterest)}) as newest) as tagged`
}

function engaged({ organisationId, isToday }: Ranking): RawBuilder<unknown> {
  return isToday
    ? sql`
      union all
      select content_id, 0, null, 0, 0, null, (${sql.lit(engagedMax)} + 1 - rank) / ${sql.lit(engagedMax)}.0::float8, 0
        from (select content_id, row_number() over (order by engagement_score desc, content_id desc) as rank
                from (select content_id, engagement_score from content_scores
                       where organisation_id = ${organisationId} and engagement_score > 0
                       order by engagement_score desc, content_id desc limit ${sql.lit(engagedMax)}) as top) as ranked`
    : sql``
}

function fresh({ organisationId, isToday, at }: Ranking): RawBuilder<unknown> {
  const isThere = isToday
    ? sql`status = 'published' and deleted_at is null`
    : sql`status <> 'draft' and deleted_at is null`
  return sql`
      union all
      select id, 0, null, 0, 0, null, 0, (${sql.lit(freshMax)} + 1 - rank) / ${sql.lit(freshMax)}.0::float8
        from (select id, row_number() over (order by published_at desc, id desc) as rank
                from (select id, published_at from contents
                       where organisation_id = ${organisationId} and ${isThere} and published_at < ${at}
                       order by published_at desc, id desc limit ${sql.lit(freshMax)}) as newest) as ranked`
}

/** Whether a content of the ranking may be shown. */
function shown(
  { organisationId, isToday, at }: Ranking,
  id: RawBuilder<unknown>,
): RawBuilder<unknown> {
  return isToday
    ? sql`exists (select from contents c where c.id = ${id} and c.organisation_id = ${organisationId}
                     and c.status = 'published' and c.deleted_at is null and c.published_at <= ${at})`
    : sql`true`
}
