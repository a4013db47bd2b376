import { sql } from 'kysely'
import type { Business, Tenant } from './business.ts'

export type Library = {
  readonly contentIds: readonly string[]
  readonly tagIds: readonly string[]
}

type Wanted = {
  readonly count: number
  readonly memberId: string
  /** What the contents are pages of, in turn; of nothing when left out. */
  readonly productIds?: readonly string[]
}

/** Writes `count` published contents a minute apart, the newest first, with scores that differ, the author a member, and 13 tags: the first
 *  content has all of them, and the first tag is every content's. The member did something every minute, and said it of the
 *  first content. */
export async function addContents(
  { db }: Pick<Business, 'db'>,
  { organisationId }: Pick<Tenant, 'organisationId'>,
  { count, memberId, productIds = [] }: Wanted,
): Promise<Library> {
  const contents = await db.run(sql<{ id: string }>`
    insert into contents (organisation_id, author_id, product_id, slug, title, summary, body, status, published_at, created_at, updated_at)
    select ${organisationId}::uuid, ${memberId}::uuid,
           (${[...productIds]}::uuid[])[1 + n % ${Math.max(1, productIds.length)}::integer], 'tale-of-' || n, 'A tale of ' || n, 'In short', 'At length', 'published',
           at, at, at
      from generate_series(1, ${count}::integer) as n,
           lateral (select timestamptz '2026-01-02T00:00:00Z' - n * interval '1 minute' as at) as published
     order by n
    returning id`)
  const contentIds = contents.map(({ id }) => id)
  const tags = await db.run(sql<{ id: string }>`
    insert into tags (organisation_id, name)
    select ${organisationId}::uuid, 'word-' || n from generate_series(10, 22) as n order by n returning id`)
  const tagIds = tags.map(({ id }) => id)
  await db.run(sql`
    insert into content_tags (content_id, tag_id)
    select content_id, tag_id from unnest(${contentIds}::uuid[]) as content_id, unnest(${tagIds}::uuid[]) as tag_id
     where content_id = ${contentIds[0]}::uuid or tag_id = ${tagIds[0]}::uuid`)
  // Dyadic, so that they are the same text everywhere.
  await db.run(sql`
    update content_scores s
       set view_count = place, engagement_score = place / 64.0, trending_score = (place * 3 % 8) / 64.0,
           score_updated_at = '2026-01-02T00:00:00Z'
      from unnest(${contentIds}::uuid[]) with ordinality as content (id, place) where s.content_id = content.id`)
  await db.run(sql`
    insert into interactions (organisation_id, member_id, content_id, type, comment, created_at)
    select ${organisationId}::uuid, ${memberId}::uuid, ${contentIds[0]}::uuid, 'comment', 'Well said, ' || n,
           timestamptz '2026-01-01T00:00:00Z' + n * interval '1 minute'
      from generate_series(1, 13) as n`)
  return { contentIds, tagIds }
}
