import { expect } from 'chai'
import { Client } from 'pg'
import { createDatabase } from '../support/servers.ts'

const id = `'00000000-0000-7000-8000-000000000000'`
const org = `organisation_id = ${id}`
const shown = `status = 'active' and deleted_at is null`

/** Each index beside the read that needs it, in one line of SQL. */
const reads: Readonly<Record<string, string>> = {
  idx_members_org_created: `members where ${org} order by created_at desc, id desc limit 20`,
  idx_members_org_email: `members where ${org} and email = 'a@b.example'`,
  idx_members_tier_status: `members where ${org} and tier = 'gold' and status = 'active' order by created_at desc, id desc limit 20`,
  idx_members_last_active: `members where status = 'active' order by last_active_at desc limit 100`,
  idx_members_org_active: `members where ${org} order by last_active_at desc nulls last, id desc limit 20`,
  idx_member_roles_org_role: `member_roles where ${org} and role = 'owner' order by member_id limit 20`,
  idx_api_keys_hash: `api_keys where key_hash = '\\x00'`,
  idx_api_keys_member: `api_keys where member_id = ${id} order by expires_at`,
  idx_api_keys_org_created: `api_keys where ${org} order by created_at desc, id desc limit 20`,
  idx_api_keys_org_kind: `api_keys where ${org} and kind = 'secret' order by created_at desc, id desc limit 20`,
  idx_admin_tokens_hash: `admin_tokens where token_hash = '\\x00'`,
  idx_fx_rates_pair_asof: `fx_rates where base_asset = 'EUR' and quote_asset = 'USD' and as_of <= now() order by as_of desc limit 1`,
  idx_fx_rates_batch: `fx_rates where batch_id = ${id}`,
  idx_fx_batches_provider_finished: `fx_batches where provider = 'ecb' order by finished_at desc, id desc limit 1`,
  idx_fx_snapshots_link_type: `fx_snapshots where payment_link_id = ${id} and snapshot_type = 'creation'`,
  idx_fx_snapshots_asset_captured: `fx_snapshots where ${org} and asset = 'EUR' order by captured_at desc limit 20`,
  idx_payment_links_org_created: `payment_links where ${org} and deleted_at is null order by created_at desc, id desc limit 20`,
  idx_payment_links_short_code: `payment_links where short_code = 'abc'`,
  idx_payment_links_status: `payment_links where ${org} and status = 'open' order by created_at desc, id desc limit 20`,
  idx_payment_links_currency: `payment_links where ${org} and currency = 'GBP' and deleted_at is null order by created_at desc, id desc limit 20`,
  idx_payment_links_expiry: `payment_links where status in ('open', 'partially_paid') and expires_at <= now() order by expires_at limit 500`,
  idx_payment_links_reference: `payment_links where ${org} and external_reference = 'A-1'`,
  idx_payment_links_member: `payment_links where member_id = ${id} order by created_at desc, id desc limit 20`,
  idx_payment_link_items_link: `payment_link_items where payment_link_id = ${id} order by position`,
  idx_payment_events_link: `payment_events where payment_link_id = ${id} order by created_at desc, id desc limit 20`,
  idx_payment_events_org_created: `payment_events where ${org} order by created_at desc, id desc limit 20`,
  idx_payment_events_provider_ref: `payment_events where provider = 'stripe' and provider_event_id = 'evt_1'`,
  idx_categories_org_path: `categories where ${org} and path >= 'gifts/' and path < 'gifts0' order by path, id limit 20`,
  idx_categories_parent_path: `categories where ${org} and parent_id = ${id} order by path, id limit 20`,
  idx_categories_org_slug: `categories where ${org} and slug = 'gifts' order by path, id limit 20`,
  idx_categories_org_depth: `categories where ${org} and depth = 0 order by path, id limit 20`,
  idx_categories_parent: `categories where parent_id = ${id}`,
  idx_products_org_created: `products where ${org} and deleted_at is null order by created_at desc, id desc limit 20`,
  idx_products_status: `products where ${org} and status = 'draft' and deleted_at is null order by created_at desc, id desc limit 20`,
  idx_products_published: `products where ${org} and ${shown} order by published_at desc, id desc limit 20`,
  idx_products_title: `products where ${org} and ${shown} order by title, id limit 20`,
  idx_products_category_published: `products where ${org} and category_id = ${id} and ${shown} order by published_at desc, id desc limit 20`,
  idx_products_category_title: `products where ${org} and category_id = ${id} and ${shown} order by title, id limit 20`,
  idx_products_category: `products where category_id = ${id}`,
  idx_products_sku: `products where ${org} and sku = '85123A'`,
  idx_prices_product: `prices where product_id = ${id} order by currency, id limit 20`,
  idx_inventory_items_product: `inventory_items where product_id = ${id} and location = 'warehouse'`,
  idx_inventory_items_org_updated: `inventory_items where ${org} order by updated_at desc, id desc limit 20`,
  idx_inventory_items_low: `inventory_items where ${org} and on_hand - reserved <= low_stock_threshold order by updated_at desc, id desc limit 20`,
  idx_ledger_entries_link: `ledger_entries where payment_link_id = ${id} order by id desc`,
  idx_ledger_entries_account_posted: `ledger_entries where account_id = ${id} order by posted_at desc, id desc limit 20`,
  idx_ledger_entries_org_posted: `ledger_entries where ${org} order by posted_at desc, id desc limit 20`,
  idx_ledger_entries_txn: `ledger_entries where ledger_transaction_id = ${id}`,
  idx_ledger_transactions_idem: `ledger_transactions where ${org} and idempotency_key = 'a'`,
  idx_ledger_transactions_reference: `ledger_transactions where ${org} and reference_type = 'payment_link' and reference_id = ${id}`,
  idx_ledger_transactions_pending: `ledger_transactions where status = 'pending' and effective_at <= now() order by effective_at limit 100`,
  idx_ledger_accounts_code: `ledger_accounts where ${org} and code = 'cash' and asset = 'GBP'`,
  idx_xero_syncs_link: `xero_syncs where payment_link_id = ${id} order by created_at desc`,
  idx_xero_syncs_status: `xero_syncs where status = 'pending' and next_attempt_at <= now() order by next_attempt_at limit 100`,
  idx_xero_syncs_org_created: `xero_syncs where ${org} order by created_at desc, id desc limit 20`,
  idx_activity_log_org_created: `activity_log where ${org} order by created_at desc, id desc limit 20`,
  idx_activity_log_org_action: `activity_log where ${org} and action = 'api-key.revoked' order by created_at desc, id desc limit 20`,
  idx_activity_log_member: `activity_log where member_id = ${id} order by created_at desc, id desc limit 20`,
  idx_activity_log_subject: `activity_log where ${org} and subject_id = 'x' order by created_at desc, id desc limit 20`,
  idx_outbox_events_unpublished: `outbox_events where published_at is null order by id limit 100`,
  idx_idempotency_keys_expiry: `idempotency_keys where expires_at <= now()`,
  idx_job_runs_name_started: `job_runs where name = 'refresh' order by started_at desc limit 20`,
  idx_job_runs_active: `job_runs where queue = 'fx' and bull_id = '1' and state = 'active'`,
  idx_job_runs_failed: `job_runs where state = 'failed' order by finished_at desc limit 20`,
}

/** The same for inverted indexes, which PostgreSQL reads by way of a bitmap only. */
const searches: Readonly<Record<string, string>> = {
  idx_products_search: `products where search @@ websearch_to_tsquery('english', 'red mugs')`,
  idx_products_title_trgm: `products where title %> 'rde mug'`,
}

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

  it('named idx_… are exactly those with a read in this file', () => {
    const named = stored.map(({ name }) => name).filter((name) => name.startsWith('idx_'))
    expect(named).to.deep.equal(
      [...new Set([reads, searches, arbiters, coverings].flatMap(Object.keys))].toSorted(),
    )
  })

  for (const [name, read] of Object.entries(reads)) {
    it(`${name} serves its read`, async () => {
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(
        `explain select * from ${read.replaceAll('\n', ' ')}`,
      )
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
      expect(plan).to.match(new RegExp(`using ${name} on`))
      expect(plan).not.to.include('Sort Key')
    })
  }

  for (const [name, search] of Object.entries(searches)) {
    it(`${name} serves its search`, async () => {
      await client.query('begin; set local enable_bitmapscan = on')
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(
        `explain select * from ${search}`,
      )
      await client.query('commit')
      expect(rows.map((row) => row['QUERY PLAN']).join('\n')).to.include(
        `Bitmap Index Scan on ${name}`,
      )
    })
  }

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
