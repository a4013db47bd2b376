import { sql } from 'kysely'
import { Client } from 'pg'
import { paymentLinks } from '../../api/resources/payment-links.ts'
import type { PreparedRunner } from '../../shared/platform/database/database.ts'
import type { ListQuery } from '../../shared/platform/resource/list-query.ts'
import { createReader } from '../../shared/platform/resource/reader.ts'
import { addTenant, type Business } from '../support/business.ts'

const limit = 50
/** Buffers are those of this many pages on end, since one page may lie across one leaf of the index more than another. */
const pagesCounted = 20

type Query = Omit<ListQuery, 'binding'>

/** A list of payment links of one organisation, its first page and a deep one by cursor, and that by OFFSET. */
export async function openDeepList(
  business: Business,
  { linksCount, pagesSkipped }: { readonly linksCount: number; readonly pagesSkipped: number },
) {
  const organisationId = await fill(business, linksCount)
  const rowsSkipped = pagesSkipped * limit
  const reader = createReader(business, [paymentLinks])
  const listing = { resource: paymentLinks, scope: { organisationId } }
  const first: Query = {
    conditions: [],
    sort: '-createdAt',
    limit,
    count: 'none',
    selection: { expand: {} },
  }
  const key = await edge(business, rowsSkipped)
  const deep: Query = { ...first, position: { direction: 'next', key } }
  const byOffset = { text: byOffsetText(rowsSkipped), values: [organisationId], name: 'by-offset' }
  const starts = { first, deep }
  return {
    organisationId,
    first: reader.page(listing, first),
    deep: reader.page(listing, deep),
    byOffset,
    /** Of one page, from there on. */
    async buffersFrom(start: keyof typeof starts): Promise<number> {
      let [query, touched] = [starts[start], 0]
      for (let counted = 0; counted < pagesCounted; counted += 1) {
        const runner = counting(business, (count) => (touched += count))
        const { lastKey = [] } = await reader.page(listing, query).run(runner)
        query = { ...first, position: { direction: 'next', key: lastKey } }
      }
      return touched / pagesCounted
    },
    async buffersByOffset(): Promise<number> {
      let touched = 0
      await counting(business, (count) => (touched = count)).read(byOffset)
      return touched
    },
  }
}

/** What a page by number costs at the least: its rows as they are, no JSON and no total. */
const byOffsetText = (rowsSkipped: number): string => `
  select id, short_code, status, amount_minor, currency, description, external_reference, member_id, rate_mode,
         accepted_assets, completions_max, completions_count, expires_at, metadata, created_at, updated_at, version
    from payment_links
   where organisation_id = $1 and deleted_at is null
   order by created_at desc, id desc
   limit ${limit + 1} offset ${rowsSkipped}`

/** The key of the last row before the deep page. */
async function edge({ db }: Business, rowsSkipped: number): Promise<readonly string[]> {
  const [row] = await db.run(sql<{ at: string; id: string }>`
    select to_json(created_at)#>>'{}' as at, id from payment_links
     order by created_at desc, id desc limit 1 offset ${rowsSkipped - 1}`)
  return [row?.at ?? '', row?.id ?? '']
}

/** Counts the buffers that a statement touches, before it runs. */
function counting({ db }: Business, tell: (buffers: number) => void): PreparedRunner {
  return {
    async read(statement) {
      const text = `explain (analyze, buffers, format json) ${statement.text}`
      const { rows } = await db.pool.query(text, [...statement.values])
      const { Plan: plan } = rows[0]['QUERY PLAN'][0]
      tell(plan['Shared Hit Blocks'] + plan['Shared Read Blocks'])
      return db.read(statement)
    },
  }
}

/** Links one second apart, written past the triggers, for their frozen rates are not what is measured; and past the
 *  pool, whose statements have seconds. */
async function fill(business: Business, linksCount: number): Promise<string> {
  const { organisationId } = await addTenant(business, 'depth')
  const client = new Client({ connectionString: business.url })
  await client.connect()
  await client.query('set session_replication_role = replica')
  await client.query(
    `insert into payment_links (id, organisation_id, short_code, status, amount_minor, currency, description,
                                accepted_assets, fx_set_id, created_at, updated_at)
     select uuid_v7(at), $1, lpad(to_hex(n), 10, '0'), 'open', 1 + n % 100000, 'GBP', 'Invoice ' || n,
            '{EUR,USD,AUD,JPY}', gen_random_uuid(), at, at
       from generate_series(1, $2::integer) as n,
            lateral (select '2025-01-01T00:00:00Z'::timestamptz + n * interval '1 second' as at) as made`,
    [organisationId, linksCount],
  )
  await client.query('vacuum (analyze) payment_links')
  await client.end()
  return organisationId
}
