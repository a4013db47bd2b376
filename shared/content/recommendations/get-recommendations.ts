import { sql } from 'kysely'
import { z } from 'zod'
import type { Stamp } from '#platform/cache/entry'
import type { Runner } from '#platform/database/database'
import { parseStamp } from '#platform/resource/filled'
import { stamp } from '#platform/resource/statements'
import { rankingOf } from './ranking.ts'

export type RecommendationQuery = {
  readonly organisationId: string
  readonly memberId: string
  /** From 1 to `recommendationsMax`. */
  readonly limit: number
  /** Leaves out whatever the member has had to do with. */
  readonly excludesSeen: boolean
  /** Contents that appear later are not there yet. */
  readonly at: Date
}

/** The most that one list has. */
export const recommendationsMax = 50

/** Why a content is recommended. */
const why = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('bought-together'), contentId: z.uuid() }),
  z.object({ kind: z.literal('interest'), tag: z.string() }),
  z.object({ kind: z.literal('popular') }),
  z.object({ kind: z.literal('new') }),
  z.object({ kind: z.literal('exploration') }),
])

/** One recommendation as it is shown. */
export const recommendation = z.object({
  contentId: z.uuid(),
  slug: z.string(),
  title: z.string(),
  summary: z.string(),
  publishedAt: z.iso.datetime(),
  why,
})

export type Recommendations = {
  /** A JSON array of `recommendation`, the best first. */
  readonly body: string
  /** The contents in it, in its order. */
  readonly contentIds: readonly string[]
  /** What the statement saw; absent where the answer must not be kept. */
  readonly stamp?: Stamp
}

/** What a member may like next, in one statement. What is explored changes from day to day (UTC) and not in between.
 *  @returns undefined for who is no member of the organisation, or was removed */
export async function getRecommendations(
  { db }: { readonly db: Runner },
  { organisationId, memberId, limit, excludesSeen, at }: RecommendationQuery,
): Promise<Recommendations | undefined> {
  const member = sql`${memberId}::uuid`
  const organisation = sql`${organisationId}::uuid`
  const ranking = rankingOf({
    organisationId: organisation,
    memberId: member,
    model: sql`organisation_id = ${organisation} and is_current`,
    before: sql`'infinity'::timestamptz`,
    at: sql`${at}::timestamptz`,
    seed: sql`${at.toISOString().slice(0, 10)}::text`,
    limit: sql`${limit}::integer`,
    excludesSeen: sql`${excludesSeen}::boolean`,
    interests: sql`member_interests`,
    isToday: true,
  })
  const [row] = await db.run(
    sql<{ body: string | null; ids: readonly string[] | null; stamp: string | null }>`
    select string_agg(item, ',' order by place) as body, array_agg(id::text order by place) as ids, ${stamp} as stamp
      from (
        select place, c.id,
               json_build_object('contentId', c.id, 'slug', c.slug, 'title', c.title, 'summary', c.summary,
                 'publishedAt', to_char(c.published_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                 'why', case kind
                   when 'bought-together' then json_build_object('kind', kind, 'contentId', because)
                   when 'interest' then json_build_object('kind', kind, 'tag', (select name from tags where id = tag_id))
                   else json_build_object('kind', kind) end)::text as item
          from (${ranking}) as ranked join contents c on c.id = ranked.id
      ) as listed
    having exists (select from members where id = ${member} and organisation_id = ${organisation} and status <> 'removed')`,
  )
  return (
    row && {
      body: `[${row.body ?? ''}]`,
      contentIds: row.ids ?? [],
      ...(row.stamp !== null && { stamp: parseStamp(row.stamp) }),
    }
  )
}
