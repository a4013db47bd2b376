import { Migration } from '@mikro-orm/migrations'

/**
 * Every index that a read, a uniqueness rule or a foreign key needs, built without blocking writers.
 * CREATE INDEX CONCURRENTLY cannot run inside a transaction and leaves an INVALID index behind when it is interrupted:
 * such left-overs are dropped first, finished indexes are kept, so that a second `up` continues where the first ended.
 */
export class PerformanceIndexes extends Migration {
  override isTransactional(): boolean {
    return false
  }

  override async up(): Promise<void> {
    // It waits for older transactions, not they for it; the migrator's short lock_timeout would only make it give up.
    this.addSql(`set lock_timeout = '10min'`)
    for (const name of await this.#invalid()) {
      this.addSql(`drop index concurrently if exists ${name}`)
    }
    for (const [name, definition] of Object.entries(indexes)) {
      const [kind, on] = definition.startsWith('unique ')
        ? (['unique index', definition.slice('unique '.length)] as const)
        : (['index', definition] as const)
      this.addSql(`create ${kind} concurrently if not exists ${name} on ${on}`)
    }
    this.addSql(`analyze ${tables().join(', ')}`)
    this.addSql('reset lock_timeout')
  }

  override down(): void {
    this.addSql(`set lock_timeout = '10min'`)
    for (const name of Object.keys(indexes).toReversed()) {
      this.addSql(`drop index concurrently if exists ${name}`)
    }
    this.addSql('reset lock_timeout')
  }

  async #invalid(): Promise<readonly string[]> {
    const rows = await this.execute(
      `select c.relname as name from pg_index i join pg_class c on c.oid = i.indexrelid
        where not i.indisvalid and c.relnamespace = current_schema()::regnamespace`,
    )
    return rows.flatMap(({ name }) =>
      typeof name === 'string' && Object.hasOwn(indexes, name) ? [name] : [],
    )
  }
}

/**
 * Name to definition, one line of reason where the columns do not say it. Keyset lists end in (…, id), since that is
 * their total order. None is a prefix of another on the same table with the same condition.
 */
const indexes: Readonly<Record<string, string>> = {
  // organisations and members
  idx_members_org_created: 'members (organisation_id, created_at desc, id desc)',
  idx_members_org_email: 'unique members (organisation_id, email)',
  idx_members_tier_status: 'members (organisation_id, tier, status, created_at desc, id desc)',
  idx_members_last_active: `members (last_active_at desc) where status = 'active'`,
  idx_api_keys_hash: 'unique api_keys (key_hash)',
  idx_api_keys_member: 'api_keys (member_id, expires_at)',
  // the key list of an organisation
  idx_api_keys_org_created: 'api_keys (organisation_id, created_at desc, id desc)',
  idx_admin_tokens_hash: 'unique admin_tokens (token_hash)',

  // fx; the newest publication of a pair, index-only, and one row per provider, pair and time
  idx_fx_rates_pair_asof:
    'fx_rates (base_asset, quote_asset, as_of desc) include (rate, provider, excluded)',
  idx_fx_rates_provider_pair_asof: 'unique fx_rates (provider, base_asset, quote_asset, as_of)',
  // the leg of a cross rate whose base is not the publisher's: (provider, quote) in fx_cross_rates
  idx_fx_rates_batch: 'fx_rates (batch_id)',
  idx_fx_batches_provider_finished: 'fx_batches (provider, finished_at desc, id desc)',
  // also the look-up of require_four_rates, once per inserted row
  idx_fx_snapshots_link_type: 'unique fx_snapshots (payment_link_id, snapshot_type, set_id, asset)',
  idx_fx_snapshots_asset_captured: 'fx_snapshots (organisation_id, asset, captured_at desc)',

  // payment links
  idx_payment_links_org_created:
    'payment_links (organisation_id, created_at desc, id desc) where deleted_at is null',
  idx_payment_links_short_code: 'unique payment_links (short_code)',
  idx_payment_links_status: 'payment_links (organisation_id, status, created_at desc, id desc)',
  idx_payment_links_currency:
    'payment_links (organisation_id, currency, created_at desc, id desc) where deleted_at is null',
  idx_payment_links_expiry: `payment_links (expires_at) where status in ('open', 'partially_paid')`,
  idx_payment_links_reference:
    'unique payment_links (organisation_id, external_reference) where external_reference is not null',
  // the links of one member, and the probe of its foreign key
  idx_payment_links_member:
    'payment_links (member_id, created_at desc, id desc) where member_id is not null',
  idx_payment_link_items_link: 'payment_link_items (payment_link_id, position)',
  idx_payment_events_link: 'payment_events (payment_link_id, created_at desc, id desc)',
  idx_payment_events_org_created: 'payment_events (organisation_id, created_at desc, id desc)',
  idx_payment_events_provider_ref: 'unique payment_events (provider, provider_event_id)',

  // ledger and accounting
  idx_ledger_entries_link:
    'ledger_entries (payment_link_id, id desc) where payment_link_id is not null',
  idx_ledger_entries_account_posted:
    'ledger_entries (account_id, posted_at desc, id desc) include (direction, amount_minor)',
  idx_ledger_entries_org_posted: 'ledger_entries (organisation_id, posted_at desc, id desc)',
  // also the look-up of require_balance, once per inserted row
  idx_ledger_entries_txn: 'ledger_entries (ledger_transaction_id)',
  idx_ledger_transactions_idem: 'unique ledger_transactions (organisation_id, idempotency_key)',
  idx_ledger_transactions_reference:
    'ledger_transactions (organisation_id, reference_type, reference_id)',
  idx_ledger_transactions_pending: `ledger_transactions (effective_at) where status = 'pending'`,
  idx_ledger_accounts_code: 'unique ledger_accounts (organisation_id, code, asset)',
  idx_xero_syncs_link:
    'xero_syncs (payment_link_id, created_at desc) where payment_link_id is not null',
  idx_xero_syncs_status: `xero_syncs (status, next_attempt_at) where status in ('pending', 'failed')`,
  idx_xero_syncs_org_created: 'xero_syncs (organisation_id, created_at desc, id desc)',

  // delivery
  idx_outbox_events_unpublished: 'outbox_events (id) where published_at is null',
  idx_idempotency_keys_expiry: 'idempotency_keys (expires_at)',
  idx_job_runs_name_started: 'job_runs (name, started_at desc)',
  // the runs of one job that never ended, looked for before each of its runs
  idx_job_runs_active: `job_runs (queue, bull_id) where state = 'active'`,
  idx_job_runs_failed: `job_runs (finished_at desc) where state = 'failed'`,
}

function tables(): readonly string[] {
  const names = Object.values(indexes).map((definition) => definition.replace('unique ', ''))
  return [...new Set(names.map((definition) => definition.split(' ', 1)[0] ?? ''))]
}
