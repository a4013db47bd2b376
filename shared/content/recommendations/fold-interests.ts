import { sql, type RawBuilder } from 'kysely'
import type { Runner } from '#platform/database/database'
import { strengthOf } from './strength.ts'

/** Days after which an interaction tells half as much of what a member is interested in. */
const halfLifeDays = 90
/** What a member did last, of which the interests are made. */
const interactionsPerMember = 500
const tagsPerMember = 20
const membersPerBatch = 250

/** Works out anew what members are interested in: the tags of what they did, each as often and as much as they did it, less
 *  with its age. A statement for each batch of members; of a member whom nothing is known of nothing is left.
 *  @param options.memberId only this one; all of the organisation when left out
 *  @returns how many interests there are of these members */
export async function foldInterests(
  { db }: { readonly db: Runner },
  options: {
    readonly organisationId: string
    readonly memberId?: string
    readonly signal?: AbortSignal
  },
): Promise<number> {
  const { organisationId, memberId, signal } = options
  const isWanted = memberId === undefined ? sql`true` : sql`id = ${memberId}::uuid`
  let written = 0
  let after = { at: '-infinity', id: '00000000-0000-0000-0000-000000000000' }
  for (;;) {
    signal?.throwIfAborted()
    const [batch] = await db.run(
      sql<{ at: string | null; id: string; size: number; written: number }>`
      with batch as materialized (
        select id, created_at from members
         where organisation_id = ${organisationId}::uuid and ${isWanted}
           and (created_at, id) > (${after.at}::timestamptz, ${after.id}::uuid)
         order by created_at, id limit ${membersPerBatch}
      ), folded as materialized (${interestsOf(sql`batch`, sql`'infinity'::timestamptz`)}
      ), gone as (
        delete from member_interests i using batch
         where i.member_id = batch.id
           and not exists (select from folded f where f.member_id = i.member_id and f.tag_id = i.tag_id)
      ), written as (
        insert into member_interests (member_id, tag_id, organisation_id, weight)
        select member_id, tag_id, ${organisationId}::uuid, weight from folded
        on conflict (member_id, tag_id) do update set weight = excluded.weight, updated_at = now()
        returning 1
      )
      select last.at, last.id, size.size, (select count(*) from written)::integer as written
        from (select count(*)::integer as size from batch) as size
        left join lateral (select to_json(created_at) #>> '{}' as at, id from batch
                            order by created_at desc, id desc limit 1) as last on true`,
    )
    written += batch?.written ?? 0
    if (batch === undefined || batch.at === null || batch.size < membersPerBatch) {
      return written
    }
    after = { at: batch.at, id: batch.id }
  }
}

/** The strongest tags of each member of a relation with a column `id`, as `member_id`, `tag_id` and `weight`.
 *  @param before what came later is not known */
export function interestsOf(
  members: RawBuilder<unknown>,
  before: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const strength = strengthOf(sql`done.created_at`, sql`newest.at`, halfLifeDays)
  return sql`
    select member_id, tag_id, weight from (
      select m.id as member_id, tagged.tag_id, tagged.weight,
             row_number() over (partition by m.id order by tagged.weight desc, tagged.tag_id) as rank
        from ${members} m
       cross join lateral (
         select t.tag_id, sum(${strength}) as weight
           from (select content_id, type, created_at from interactions
                  where member_id = m.id and created_at < ${before}
                  order by created_at desc, id desc limit ${sql.lit(interactionsPerMember)}) as done
          cross join (select max(created_at) as at from interactions
                       where member_id = m.id and created_at < ${before}) as newest
           join content_tags t on t.content_id = done.content_id
          group by t.tag_id) as tagged
       where tagged.weight > 0) as ranked
     where rank <= ${sql.lit(tagsPerMember)}`
}
