import { expect } from 'chai'
import { Client } from 'pg'
import { createDatabase } from '../support/servers.ts'

const id = `'00000000-0000-7000-8000-000000000000'`

/** Unique indexes that decide whether a row was there before, beside the write that asks them. */
const arbiters: Readonly<Record<string, string>> = {
  // a publication that is taken over twice
  idx_fx_rates_provider_pair_asof: `
    fx_rates (batch_id, provider, base_asset, quote_asset, rate, as_of, fetched_at)
    values (${id}, 'ecb', 'EUR', 'USD', 1.1, now(), now())
    on conflict (provider, base_asset, quote_asset, as_of) do nothing`,
  idx_categories_parent_slug: `
    categories (organisation_id, slug, name, path, depth) values (${id}, 'gifts', 'Gifts', 'gifts', 0)
    on conflict (organisation_id, parent_id, slug) do nothing`,
  idx_tags_name: `
    tags (organisation_id, name) values (${id}, 'mug') on conflict (organisation_id, name) do nothing`,
  idx_feature_flags_name: `
    feature_flags (name, percentage, updated_by) values ('cursor-pagination', 10, ${id})
    on conflict (name, organisation_id) do nothing`,
  idx_products_slug: `
    products (organisation_id, category_id, sku, slug, title, kind, status)
    values (${id}, ${id}, '1', 'mug-1', 'Mug', 'physical', 'draft') on conflict (organisation_id, slug) do nothing`,
}

/** Indexes that answer without the table, beside what is asked. */
const coverings: Readonly<Record<string, string>> = {
  idx_fx_rates_pair_asof: `
    select rate, provider, excluded, as_of from fx_rates
     where base_asset = 'EUR' and quote_asset = 'USD' order by as_of desc limit 1`,
  idx_prices_product_currency: `
    select amount_minor, valid_from, valid_to from prices
     where product_id = ${id} and currency = 'GBP' and valid_from <= now() order by valid_from desc limit 1`,
}

/** Some to choose from, for without any all ways cost the same; their foreign keys point nowhere. */
const rowsOf: Readonly<Record<string, string>> = {
  prices: `insert into prices (organisation_id, product_id, currency, amount_minor, tax_inclusive, valid_from)
           select ${id}, product.id, currency, 100, false, '2026-01-01Z'
             from (select gen_random_uuid() as id from generate_series(1, 200)) as product,
                  unnest('{GBP,EUR,USD,AUD,JPY}'::text[]) as currency`,
}

type Index = {
  readonly name: string
  readonly table: string
  readonly columns: string
  readonly condition: string
  readonly isUnique: boolean
}

// Which index serves which read is shown by index-proof.test.ts, on tables that have rows.

describe('indexes', () => {
  let client: Client
  let stored: readonly Index[]
  before(async () => {
    client = new Client({ connectionString: await createDatabase() })
    await client.connect()
    // Empty tables would be read in one page; what is asked is whether the index serves the read at all.
    await client.query(
      'set enable_seqscan = off; set enable_bitmapscan = off; set enable_sort = off',
    )
    // Nor has the planner seen that they are empty: it then assumes ten pages, and choices cost what they should.
    await client.query(
      `update pg_class set reltuples = -1, relpages = 0
        where relkind = 'r' and relnamespace = current_schema()::regnamespace`,
    )
    const { rows } = await client.query<Index>(
      `select c.relname as name, i.indrelid::regclass::text as "table",
              (select string_agg(pg_get_indexdef(c.oid, n, true) || ' ' || (i.indoption[n - 1])::text, ',' order by n)
                 from generate_series(1, i.indnkeyatts) as n) as columns,
              coalesce(pg_get_expr(i.indpred, i.indrelid), '') as condition, i.indisunique as "isUnique"
         from pg_index i join pg_class c on c.oid = i.indexrelid
        where c.relnamespace = current_schema()::regnamespace order by 1`,
    )
    stored = rows
  })
  after(() => client.end())

  for (const [name, write] of Object.entries(arbiters)) {
    it(`${name} decides a conflict`, async () => {
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain insert into ${write}`)
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
      expect(plan).to.include(`Conflict Arbiter Indexes: ${name}`)
    })
  }

  it('hold none that another one already covers', () => {
    const covered = stored.flatMap((one) =>
      stored
        .filter(
          (other) =>
            other.name !== one.name &&
            other.table === one.table &&
            other.condition === one.condition &&
            !one.isUnique &&
            `${other.columns},`.startsWith(`${one.columns},`),
        )
        .map((other) => `${one.name} is a prefix of ${other.name}`),
    )
    expect(covered).to.deep.equal([])
  })

  for (const [name, question] of Object.entries(coverings)) {
    it(`${name} answers without reading the table`, async () => {
      const [table = ''] = /(?<=from )\w+/.exec(question) ?? []
      await client.query(
        `begin; set local session_replication_role = replica; ${rowsOf[table] ?? ''}; commit`,
      )
      await client.query(`vacuum analyze ${table}`)
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${question}`)
      expect(rows.map((row) => row['QUERY PLAN']).join('\n')).to.include(
        `Index Only Scan using ${name}`,
      )
    })
  }
})
