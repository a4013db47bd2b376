import { expect } from 'chai'
import { Client } from 'pg'
import { createDatabase } from '../support/servers.ts'

const id = `'00000000-0000-7000-8000-000000000000'`
const org = `organisation_id = ${id}`

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

/** The unique index that decides whether a publication was stored before. */
const arbiter = 'idx_fx_rates_provider_pair_asof'

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
    expect(named).to.deep.equal([...Object.keys(reads), arbiter].toSorted())
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

  it(`${arbiter} makes taking a publication over twice harmless`, async () => {
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `explain insert into fx_rates (batch_id, provider, base_asset, quote_asset, rate, as_of, fetched_at)
       values (${id}, 'ecb', 'EUR', 'USD', 1.1, now(), now())
       on conflict (provider, base_asset, quote_asset, as_of) do nothing`,
    )
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).to.include(`Conflict Arbiter Indexes: ${arbiter}`)
  })

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

  it('hold the newest rate of a pair without reading the table', async () => {
    await client.query('vacuum fx_rates')
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `explain select rate, provider, excluded, as_of from fx_rates
        where base_asset = 'EUR' and quote_asset = 'USD' order by as_of desc limit 1`,
    )
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).to.include(
      'Index Only Scan using idx_fx_rates_pair_asof',
    )
  })
})
