import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'
import { interestsOf } from './fold-interests.ts'
import { rankingOf } from './ranking.ts'

/** What members would have been recommended at an instant in the past, by the ranking that is served: from a model and from
 *  interactions that were known then. Today's status of contents and their scores stay out of it, since they know what came
 *  later; so whatever was taken before may be recommended. One statement for all of the members; some 5 ms each.
 *  @returns content ids by member, the best first */
export async function recommendAsOf(
  db: Runner,
  {
    organisationId,
    modelId,
    memberIds,
    at,
    limit,
  }: {
    readonly organisationId: string
    readonly modelId: string
    readonly memberIds: readonly string[]
    readonly at: Date
    readonly limit: number
  },
): Promise<ReadonlyMap<string, readonly string[]>> {
  const ranking = rankingOf({
    organisationId: sql`${organisationId}::uuid`,
    memberId: sql`batch.id`,
    model: sql`id = ${modelId}::bigint`,
    before: sql`${at}::timestamptz`,
    at: sql`${at}::timestamptz`,
    seed: sql`${at.toISOString().slice(0, 10)}::text`,
    limit: sql`${limit}::integer`,
    excludesSeen: sql`true`,
    interests: sql`past_interests`,
    isToday: false,
  })
  const rows = await db.run(sql<{ id: string; contentIds: readonly string[] }>`
    with batch as materialized (select unnest(${[...memberIds]}::uuid[]) as id),
         past_interests as materialized (${interestsOf(sql`batch`, sql`${at}::timestamptz`)})
    select batch.id, array_agg(ranked.id::text order by ranked.place) as "contentIds"
      from batch cross join lateral (${ranking}) as ranked
     group by batch.id`)
  return new Map(rows.map(({ id, contentIds }) => [id, contentIds]))
}
