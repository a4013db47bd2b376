import { sql } from 'kysely'
import { Client } from 'pg'
import type { Database } from '../../../shared/platform/database/database.ts'

/** Each did a hundred things, so that of each content five were done on average. */
const interactionsPerMember = 100
const interactionsPerContent = 5
/** Half of what a member does is in one circle of so many contents, the other half anywhere, the first contents most. */
const circleSize = 200

/** Fills an empty database with one organisation of so many contents. Written past the triggers, for those are not what is
 *  measured; the change log hears of it all the same. */
export async function fillCrowd(url: string, contents: number): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  await client.query(`set session_replication_role = replica; set maintenance_work_mem = '512MB'`)
  const { rows: indexes } = await client.query<{ drop: string; create: string }>(`
    select format('drop index %s', indexrelid::regclass) as drop,
           replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') as create
      from pg_index where indrelid = any ('{interactions,content_tags,contents,content_scores}'::regclass[])
       and not exists (select from pg_constraint where conindid = indexrelid)`)
  for (const { drop } of indexes) {
    await client.query(drop)
  }
  for (const statement of statementsFor(contents)) {
    await client.query(statement)
  }
  for (const { create } of indexes) {
    await client.query(create)
  }
  await client.query('vacuum (analyze)')
  await client.end()
}

const statementsFor = (contents: number): readonly string[] => [
  `select add_interaction_partition(month::date)
     from generate_series(timestamptz '2026-01-01Z', timestamptz '2026-06-01Z', interval '1 month') as month`,
  `insert into organisations (name, slug, default_currency, settlement_assets)
   values ('Crowd', 'crowd', 'GBP', '{EUR,USD,AUD,JPY}')`,
  `insert into contents (organisation_id, slug, title, summary, status, published_at)
   select o.id, 'content-' || n, 'Content ' || n, 'In short', 'published',
          timestamptz '2026-01-01Z' - (n % 5000) * interval '1 hour'
     from organisations o, generate_series(1, ${contents}) as n`,
  `insert into content_scores (content_id, organisation_id, engagement_score)
   select id, organisation_id, abs(hashtext(id::text) % 1000) / 1000.0 from contents`,
  `insert into tags (organisation_id, name)
   select o.id, 'tag-' || n from organisations o, generate_series(1, 1000) as n`,
  `create temporary table numbered_tags as select id, (row_number() over (order by id))::integer as number from tags`,
  `create temporary table numbered as
   select id, (row_number() over (order by published_at, id))::integer as number from contents`,
  `insert into content_tags (content_id, tag_id, organisation_id, is_listed, published_at)
   select distinct on (c.id, t.id) c.id, t.id, c.organisation_id, true, c.published_at
     from contents c join numbered n on n.id = c.id, generate_series(0, 2) as k
     join numbered_tags t on true
    where t.number = 1 + (n.number / ${circleSize} + k * 37) % 1000`,
  `insert into members (organisation_id, email, name)
   select o.id, 'member-' || n || '@crowd.invalid', 'Member ' || n
     from organisations o, generate_series(1, ${Math.max(1, (contents * interactionsPerContent) / interactionsPerMember)}) as n`,
  `create unique index on numbered (number)`,
  `analyze numbered`,
  `insert into interactions (organisation_id, member_id, content_id, type, created_at)
   select organisation_id, member_id, numbered.id,
          (array['view', 'view', 'view', 'like', 'purchase'])[1 + k % 5],
          timestamptz '2026-01-01Z' + (drawn.at * 180) * interval '1 day'
     from (select m.organisation_id, m.id as member_id, k, fractions.at,
                  case when k % 2 = 0
                    then 1 + (floor(fractions.circle * ${contents / circleSize})::integer * ${circleSize}
                              + floor(fractions.place * ${circleSize})::integer) % ${contents}
                    else 1 + floor(fractions.place ^ 3 * ${contents})::integer end as number
             from members m, generate_series(1, ${interactionsPerMember}) as k,
                  lateral (select (hashtext(m.id::text) & 2147483647) / 2147483648.0::float8 as circle,
                                  (hashtext(m.id::text || k) & 2147483647) / 2147483648.0::float8 as place,
                                  (hashtext(k || m.id::text) & 2147483647) / 2147483648.0::float8 as at) as fractions
          ) as drawn
     join numbered on numbered.number = drawn.number`,
]

/** The one organisation of it. */
export async function crowdOf(db: Database): Promise<string> {
  const [row] = await db.run(sql<{ id: string }>`select id from organisations`)
  return row?.id ?? ''
}
