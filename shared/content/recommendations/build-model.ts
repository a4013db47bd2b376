import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'
import { strengthOf } from './strength.ts'

/**
 * What members take together, by item-item cosine with three changes that make it better at foretelling what they take next
 * (README, "Recommendations"): what was taken lately counts for more, few co-occurrences count for less, and of each member
 * only the newest contents count. The last also bounds the work: 50 contents of a member are 2,450 pairs at most.
 * Everything is set-based and in batches, so that no statement runs for long or needs more memory than a batch.
 */

/** Contents of one member that are paired, the strongest first. More made it slower and no better. */
const contentsPerMember = 50
/** Members of one content that are looked at, the strongest first. */
const membersPerContent = 500
const neighboursPerContent = 30
/** Added to what the co-occurrences are divided by: two contents that one member took are not near each other yet. */
const shrinkage = 5
/** Days after which what was taken counts half. */
const halfLifeDays = 30

/** Days in which a content is taken that is called trending, and members who are too few for that. */
const trendingDays = 14
const trendingDamping = 20
const trendingCount = 100
const explorationCount = 200

const membersPerBatch = 500
/** Pairs of a content and a member of it. Each meets at most 50 contents, so that a batch makes a million pairs at most, be it of
 *  few contents that many took or of many that few did. */
const takenPerBatch = 20_000

export type BuildOptions = {
  readonly organisationId: string
  /** Interactions before this instant are known; all when left out. Then contents that readers do not find today are
   *  nobody's neighbours; with it they may be, for what they are today was not known. */
  readonly before?: Date
  /** Told after each batch how many contents have their neighbours, of how many. */
  readonly progress?: (done: number, total: number) => Promise<void>
  readonly signal?: AbortSignal
}

export type BuiltModel = { readonly modelId: string; readonly contentsCount: number }

/** Builds the model of an organisation inside a transaction, whose COMMIT puts it whole in the place of the one before: readers
 *  see the one or the other. Nothing that is kept dies of it. One that knows only a past is built beside the current one.
 *  @returns undefined where nobody has taken anything yet */
export async function buildModel(
  tx: Runner,
  options: BuildOptions,
): Promise<BuiltModel | undefined> {
  const { organisationId, before } = options
  await tx.run(sql`
    select pg_advisory_xact_lock(hashtextextended('recommendations ' || ${organisationId}::text, 0))`)
  // What a batch needs, so that nothing is sorted on disk; a job is one connection.
  await tx.run(sql`select set_config('work_mem', '64MB', true)`)
  await collectAffinities(tx, options)
  const model = await insertModel(tx, options)
  if (model === undefined) {
    return undefined
  }
  const contentsCount = await insertNeighbours(tx, model, options)
  if (before === undefined) {
    await tx.run(sql`
      delete from recommendation_models where organisation_id = ${organisationId}::uuid and is_current`)
    await tx.run(sql`
      update recommendation_models set is_current = true where id = ${model}::bigint`)
  }
  return { modelId: model, contentsCount }
}

/** Who took what, how strongly and when last: the newest of each member. */
async function collectAffinities(
  tx: Runner,
  { organisationId, before, signal }: BuildOptions,
): Promise<void> {
  const known = before ?? 'infinity'
  await tx.run(sql`
    create temporary table affinities (member_id uuid not null, content_id uuid not null, strength double precision not null,
                                       last_at timestamptz not null) on commit drop`)
  const [newest] = await tx.run(sql<{ at: string | null }>`
    select max(last.at) as at from members m
     cross join lateral (select max(created_at) as at from interactions
                          where member_id = m.id and created_at < ${known}::timestamptz) as last
     where m.organisation_id = ${organisationId}::uuid`)
  const until = newest?.at ?? null
  let after: { readonly at: string; readonly id: string } | undefined
  do {
    signal?.throwIfAborted()
    const [batch] = await tx.run(sql<{ at: string; id: string; size: number }>`
      with batch as materialized (
        select id, created_at from members
         where organisation_id = ${organisationId}::uuid
           and (created_at, id) > (${after?.at ?? '-infinity'}::timestamptz, ${after?.id ?? nil}::uuid)
         order by created_at, id limit ${membersPerBatch}
      ), collected as (
        insert into affinities
        select batch.id, taken.* from batch
         cross join lateral (
           select content_id, max(${strengthOf(sql`created_at`, sql`${until}::timestamptz`, halfLifeDays)}) as strength,
                  max(created_at) as last_at
             from interactions
            where member_id = batch.id and type <> 'unlike' and created_at < ${known}::timestamptz
            group by content_id order by strength desc, content_id limit ${contentsPerMember}) as taken
      )
      select to_json(created_at) #>> '{}' as at, id, (select count(*) from batch)::integer as size
        from batch order by created_at desc, id desc limit 1`)
    after = batch && batch.size === membersPerBatch ? batch : undefined
  } while (after !== undefined)
  await numberContents(tx, before)
}

/** Contents and members get small numbers, which pair at half the cost of uuids. */
async function numberContents(tx: Runner, before: Date | undefined): Promise<void> {
  const isAllowed =
    before === undefined ? sql`c.status = 'published' and c.deleted_at is null` : sql`true`
  await tx.run(sql`
    create temporary table lengths on commit drop as
    select (row_number() over (order by content_id))::integer as number, content_id, length, ${isAllowed} as is_allowed,
           (sum(least(members, ${membersPerContent})) over (order by content_id) / ${takenPerBatch}::integer)::integer as batch
      from (select content_id, sqrt(sum(strength ^ 2)) as length, count(*) as members
              from affinities group by content_id) as taken
      join contents c on c.id = content_id`)
  await tx.run(sql`
    create temporary table taken on commit drop as
    select number, dense_rank() over (order by member_id)::integer as member, strength, last_at
      from affinities join lengths using (content_id)`)
  await tx.run(sql`alter table lengths add primary key (number)`)
  await tx.run(sql`create index on taken (number, strength desc) include (member)`)
  await tx.run(sql`create index on taken (member) include (number, strength)`)
  await tx.run(sql`analyze lengths, taken`)
}

/** The model without its neighbours. What trends is taken by many lately for how many ever took it. */
async function insertModel(
  tx: Runner,
  { organisationId, before }: BuildOptions,
): Promise<string | undefined> {
  const [row] = await tx.run(sql<{ id: string }>`
    with newest as (select max(last_at) as at from taken),
    recent as (
      select content_id, count(*) as members
        from newest join taken on last_at >= newest.at - make_interval(days => ${trendingDays}) join lengths using (number)
       where is_allowed
       group by content_id order by members desc, content_id limit ${10 * trendingCount}
    ), trending as (
      select content_id, recent.members ^ 2 / (ever.members + ${trendingDamping}) as weight
        from recent cross join lateral (
          select count(distinct member_id) as members from interactions i
           where i.content_id = recent.content_id and i.created_at < ${before ?? 'infinity'}::timestamptz) as ever
       order by weight desc, content_id limit ${trendingCount}
    ), unseen as (
      select id from contents
       where organisation_id = ${organisationId}::uuid and deleted_at is null
         and ${before === undefined ? sql`status = 'published'` : sql`status <> 'draft'`}
         and published_at < ${before ?? 'infinity'}::timestamptz
         and id not in (select content_id from recent)
       order by hashtextextended(id::text, 0) limit ${explorationCount}
    )
    insert into recommendation_models (organisation_id, trained_until, trending_ids, trending_weights, exploration_ids)
    select ${organisationId}::uuid, newest.at + interval '1 microsecond',
           coalesce((select array_agg(content_id order by weight desc, content_id) from trending), '{}'),
           coalesce((select array_agg((weight / (select max(weight) from trending))::real
                                      order by weight desc, content_id) from trending), '{}'),
           coalesce((select array_agg(id) from unseen), '{}')
      from newest where newest.at is not null
    returning id`)
  return row?.id
}

/** The neighbours of every content that somebody took. */
async function insertNeighbours(
  tx: Runner,
  modelId: string,
  { progress, signal }: BuildOptions,
): Promise<number> {
  const batches = await tx.run(sql<{ first: number; last: number }>`
    select min(number) as first, max(number) as last from lengths group by batch order by batch`)
  const total = batches.at(-1)?.last ?? 0
  for (const { first, last } of batches) {
    await tx.run(sql`
      with batch as materialized (
        select number, length from lengths where number between ${first} and ${last}
      ), pairs as (
        select batch.number, other.number as neighbour, sum(one.strength * other.strength) as together
          from batch
         cross join lateral (
           select member, strength from taken where taken.number = batch.number
            order by strength desc limit ${membersPerContent}) as one
          join taken other on other.member = one.member and other.number <> batch.number
         group by batch.number, other.number
      ), ranked as (
        select pairs.number, near.content_id, weight,
               row_number() over (partition by pairs.number order by weight desc, near.content_id) as rank
          from pairs join batch on batch.number = pairs.number join lengths near on near.number = neighbour
         cross join lateral (
           select (together / (batch.length * near.length + ${shrinkage}::double precision))::real as weight) as weighed
         where near.is_allowed
      )
      insert into content_neighbours (model_id, content_id, neighbour_ids, weights)
      select ${modelId}::bigint, lengths.content_id, array_agg(ranked.content_id order by rank),
             array_agg(weight order by rank)
        from ranked join lengths using (number)
       where rank <= ${neighboursPerContent} group by lengths.content_id`)
    await progress?.(last, total)
    signal?.throwIfAborted()
  }
  return total
}

const nil = '00000000-0000-0000-0000-000000000000'
