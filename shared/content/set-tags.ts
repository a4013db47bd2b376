import { sql } from 'kysely'
import type { Transaction } from '#platform/database/transaction'
import type { Content } from './content.ts'

/** Gives a content exactly these tags; what nobody used before becomes a tag. The content is already written. */
export async function setTags(
  tx: Transaction,
  { id, organisationId }: Pick<Content, 'id' | 'organisationId'>,
  names: readonly string[],
): Promise<void> {
  // In the order of their names, so that two writers with the same new tags wait for each other in one direction only.
  await tx.run(sql`
    insert into tags (organisation_id, name)
    select distinct ${organisationId}::uuid, name from unnest(${[...names]}::text[]) as name order by name
    on conflict (organisation_id, name) do nothing`)
  await tx.run(sql`
    delete from content_tags ct using tags t
     where ct.content_id = ${id}::uuid and t.id = ct.tag_id and t.name <> all (${[...names]}::text[])`)
  await tx.run(sql`
    insert into content_tags (content_id, tag_id)
    select ${id}::uuid, id from tags
     where organisation_id = ${organisationId}::uuid and name = any (${[...names]}::text[])
    on conflict do nothing`)
}
