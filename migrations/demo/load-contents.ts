import { sql } from 'kysely'
import { updateContentEngagementScores } from '#content'
import type { Runner } from '#platform/database/database'
import { withoutIndexes } from './bulk-load.ts'
import type { Purchases } from './list-purchases.ts'
import { tagsOfTitles } from './tags-of-titles.ts'

/** Five years. The newest contents are of 2011: by the usual 72 hours nothing would be left of any score. */
const halfLifeHours = 5 * 8760

type Load = {
  readonly organisationId: string
  readonly purchases: Purchases
  /** As of when the contents are scored. */
  readonly now: Date
}

/** Loads the page of every product with its tags, every purchase as an interaction, and what these come to. Products and
 *  members must be there. Its rules and what they come to are in data/README.md. Nobody else can read the tables until the
 *  end of the transaction. */
export async function loadContents(db: Runner, load: Load): Promise<void> {
  const { organisationId, purchases, now } = load
  await db.run(sql`
    update organisations
       set settings = jsonb_set(settings, '{engagement}', ${JSON.stringify({ halfLifeHours })}::jsonb)
     where id = ${organisationId}::uuid`)
  await withoutIndexes(db, { tables: ['contents', 'content_tags', 'tags'] }, () =>
    insertContents(db, organisationId),
  )
  // Counted below, all at once, and not one by one by the job.
  await db.run(sql`alter table interactions disable trigger interactions_inbox`)
  await withoutIndexes(db, { tables: ['interactions'] }, () =>
    insertPurchases(db, organisationId, purchases),
  )
  await db.run(sql`alter table interactions enable trigger interactions_inbox`)
  await db.run(sql`
    update content_scores s set purchase_count = bought.count, is_due = true
      from (select content_id, count(*) as count from interactions
             where organisation_id = ${organisationId}::uuid group by content_id) as bought
     where s.content_id = bought.content_id`)
  await updateContentEngagementScores({ db }, { at: now })
  await db.run(sql`analyze content_scores`)
}

/** A page for each product, at its slug and from its time on; readers find those of products that are for sale. */
async function insertContents(db: Runner, organisationId: string): Promise<void> {
  const contents = await db.run(sql<{ id: string; title: string }>`
    insert into contents (id, organisation_id, product_id, slug, title, summary, status, published_at, created_at,
                          updated_at)
    select uuid_v7(published_at), organisation_id, id, slug, title, 'Stock code ' || sku,
           case status when 'active' then 'published' else 'archived' end, published_at, created_at, updated_at
      from products where organisation_id = ${organisationId}::uuid
     order by published_at, id
    returning id, title`)
  const tags = tagsOfTitles(contents.map(({ title }) => title))
  const rows = contents.flatMap(({ id }, at) => (tags[at] ?? []).map((name) => ({ id, name })))
  await db.run(sql`
    insert into tags (organisation_id, name)
    select ${organisationId}::uuid, name from unnest(${[...new Set(tags.flat())]}::text[]) as name order by name`)
  await db.run(sql`
    insert into content_tags (content_id, tag_id)
    select row.id, tag.id
      from json_to_recordset(${JSON.stringify(rows)}::json) as row (id uuid, name text)
      join tags tag on tag.organisation_id = ${organisationId}::uuid and tag.name = row.name`)
}

async function insertPurchases(
  db: Runner,
  organisationId: string,
  { codes, customers, times }: Purchases,
): Promise<void> {
  const months = [...new Set(times.map((time) => `${time.slice(0, 7)}-01`))]
  await db.run(sql`
    select add_interaction_partition(month::date) from unnest(${months}::text[]) as month`)
  await db.run(sql`
    insert into interactions (organisation_id, member_id, content_id, type, created_at)
    select ${organisationId}::uuid, m.id, c.id, 'purchase', at::timestamp at time zone 'UTC'
      from unnest(${[...codes]}::text[], ${[...customers]}::text[], ${[...times]}::text[])
           with ordinality as bought (code, customer, at, line)
      join products p on p.organisation_id = ${organisationId}::uuid and p.sku = bought.code
      join contents c on c.organisation_id = p.organisation_id and c.product_id = p.id
      join members m on m.organisation_id = ${organisationId}::uuid
       and m.email = 'customer-' || bought.customer || '@customers.invalid'
     order by at, line`)
}
