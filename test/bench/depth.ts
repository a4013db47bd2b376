import { expect } from 'chai'
import { sql } from 'kysely'
import { Client } from 'pg'
import { paymentLinks } from '../../api/resources/payment-links.ts'
import type { PreparedRunner } from '../../shared/platform/database/database.ts'
import type { ListQuery } from '../../shared/platform/resource/list-query.ts'
import { createReader } from '../../shared/platform/resource/reader.ts'
import { addTenant, openBusiness, type Business } from '../support/business.ts'
import { createDatabase } from '../support/servers.ts'
import { compare, type Result } from './cpu.ts'

const linksCount = 1_000_000
const limit = 50
const pagesSkipped = 9_999
const rowsSkipped = pagesSkipped * limit
/** Buffers are those of this many pages on end, since one page may lie across one leaf of the index more than another. */
const pagesCounted = 20

type Query = Omit<ListQuery, 'binding'>

/** Page 10,000 of 1,000,000 payment links by cursor, and its plain rows by OFFSET, against page 1: CPU, and buffers of
 *  PostgreSQL. */
export async function depth(): Promise<Result> {
  const business = await openBusiness({ url: await createDatabase(), connectionsMax: 1 })
  const { db, lifecycle } = business
  const organisationId = await fill(business)
  const reader = createReader(business, [paymentLinks])
  const listing = { resource: paymentLinks, scope: { organisationId } }
  const first: Query = {
    conditions: [],
    sort: '-createdAt',
    limit,
    count: 'none',
    selection: { expand: {} },
  }
  const deep: Query = {
    ...first,
    position: { direction: 'next', key: await edge(business) },
  }
  const reads = {
    'page 1': (runner: PreparedRunner) => reader.page(listing, first).run(runner),
    'page 10,000 by cursor': (runner: PreparedRunner) => reader.page(listing, deep).run(runner),
    'plain rows by OFFSET': (runner: PreparedRunner) =>
      runner.read({ text: byOffset, values: [organisationId], name: 'by-offset' }),
  }
  const page = await reads['page 10,000 by cursor'](db)
  const skipped = await db.pool.query<{ id: string }>(byOffset, [organisationId])
  expect(page.ids).to.deep.equal(skipped.rows.map(({ id }) => id))
  const [backend] = await db.run(sql<{ pid: number }>`select pg_backend_pid() as pid`)
  const rivals = Object.entries(reads).map(([name, read]) => [name, () => read(db)] as const)
  const spent = await compare(Object.fromEntries(rivals), {
    backendPids: [backend?.pid ?? 0],
    rounds: 9,
    callsPerRound: 20,
  })
  const buffersOf = async (start: Query) => {
    let [query, touched] = [start, 0]
    for (let counted = 0; counted < pagesCounted; counted += 1) {
      const runner = counting(business, (count) => (touched += count))
      const { lastKey: key = [] } = await reader.page(listing, query).run(runner)
      query = { ...first, position: { direction: 'next', key } }
    }
    return touched / pagesCounted
  }
  let skippedBuffers = 0
  await reads['plain rows by OFFSET'](counting(business, (count) => (skippedBuffers = count)))
  const buffers = {
    'page 1': await buffersOf(first),
    'page 10,000 by cursor': await buffersOf(deep),
    'plain rows by OFFSET': skippedBuffers,
  }
  await lifecycle.stop()
  return { spent, against: 'page 1', buffers }
}

/** What a page by number costs at the least: its rows as they are, no JSON and no total. */
const byOffset = `
  select id, short_code, status, amount_minor, currency, description, external_reference, member_id, rate_mode,
         accepted_assets, completions_max, completions_count, expires_at, metadata, created_at, updated_at, version
    from payment_links
   where organisation_id = $1 and deleted_at is null
   order by created_at desc, id desc
   limit 51 offset ${rowsSkipped}`

/** The key of the last row before page 10,000. */
async function edge({ db }: Business): Promise<readonly string[]> {
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
async function fill(business: Business): Promise<string> {
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
