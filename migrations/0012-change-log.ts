import { unwatch, watch, type Watched } from '#platform/cache/watch'
import { changesChannel } from '#platform/cache/change'
import { Migration } from '@mikro-orm/migrations'

/**
 * The change log of the cache, and the epoch that says how far the log can be trusted. Both are UNLOGGED: a crash gives
 * transaction ids out twice, so crash recovery has to empty them together, and then the next reader begins a new epoch.
 */
export class ChangeLog extends Migration {
  override up(): void {
    this.addSql(changeLog)
    // Whole statements of hundreds of rows; packing them would cost the writer more than their few minutes on disk.
    this.addSql('alter table change_log alter column rows set storage external')
    this.addSql('create index idx_change_log_xid on change_log (xid)')
    this.addSql(cacheEpoch)
    this.addSql(rotateCacheEpoch)
    this.addSql(rotateAfterMigration)
    // In the transaction of the migration itself, also when it is undone, and this one is the first.
    this
      .addSql(`create trigger schema_migrations_cache_epoch after insert or delete on schema_migrations
      for each statement execute function rotate_cache_epoch_after_migration()`)
    this.addSql('alter table schema_migrations enable always trigger schema_migrations_cache_epoch')
    for (const [table, columns] of Object.entries(watched)) {
      watch(table, columns).forEach((statement) => this.addSql(statement))
    }
  }

  override down(): void {
    for (const table of Object.keys(watched)) {
      unwatch(table).forEach((statement) => this.addSql(statement))
    }
    this.addSql('drop function rotate_cache_epoch_after_migration() cascade')
    this.addSql('drop function rotate_cache_epoch()')
    this.addSql('drop table cache_epoch')
    this.addSql('drop table change_log')
  }
}

/** One row for each statement that changed something. `rows` is an array of `[before, after]`, each an object of columns or
 *  null; it is NULL where the statement was not told row by row. What an operator invalidates by name has an empty relation, and
 *  for rows an array of names. */
const changeLog = `
create unlogged table change_log (
  xid xid8 not null default pg_current_xact_id(),
  relation text collate "C" not null,
  rows json
)`

/** One row, or none after a crash. The log is whole above \`floor\`; at \`mark\`, which is the next floor, it was looked at
 *  last. */
const cacheEpoch = `
create unlogged table cache_epoch (
  is_only boolean primary key default true check (is_only),
  database text collate "C" not null default current_database(),
  id uuid not null default gen_random_uuid(),
  floor pg_snapshot not null default pg_current_snapshot(),
  mark pg_snapshot not null default pg_current_snapshot(),
  marked_at timestamptz not null default clock_timestamp()
)`

/** After it nothing that was cached before is served. For what triggers do not see: ALTER TABLE, partitions that come and go,
 *  a restored backup. */
const rotateCacheEpoch = `
create function rotate_cache_epoch() returns void language plpgsql as $$
begin
  insert into cache_epoch default values
  on conflict (is_only) do update
     set database = excluded.database, id = excluded.id, floor = excluded.floor, mark = excluded.mark, marked_at = excluded.marked_at;
  if current_setting('max_prepared_transactions') = '0' then
    perform pg_notify('${changesChannel}', '');
  end if;
end $$`

const rotateAfterMigration = `
create function rotate_cache_epoch_after_migration() returns trigger language plpgsql as $$
begin
  perform rotate_cache_epoch();
  return null;
end $$`

/** What the declared reads show and are narrowed and sorted by, and what callers are recognised by. */
const watched: Readonly<Record<string, Watched>> = {
  assets: {
    key: ['code'],
    keys: ['kind'],
    shown: ['exponent', 'name', 'is_active', 'staleness_seconds_max'],
  },
  organisations: {
    key: ['id'],
    keys: ['created_at'],
    shown: ['name', 'slug', 'default_currency', 'settlement_assets', 'time_zone', 'plan'],
  },
  members: {
    key: ['id'],
    keys: ['organisation_id', 'email', 'tier', 'status', 'last_active_at', 'created_at'],
    shown: ['name', 'locale', 'updated_at', 'version'],
  },
  member_roles: {
    key: ['member_id', 'role'],
    keys: ['organisation_id'],
    shown: [],
  },
  api_keys: {
    key: ['id'],
    keys: ['organisation_id', 'member_id', 'kind', 'created_at'],
    // key_hash as well: who is recognised by it must not be after it changed
    shown: [
      'name',
      'prefix',
      'last_four',
      'scopes',
      'class',
      'expires_at',
      'revoked_at',
      'key_hash',
    ],
  },
  activity_log: {
    key: ['id'],
    keys: ['organisation_id', 'member_id', 'api_key_id', 'action', 'subject_id', 'created_at'],
    shown: ['subject_type', 'ip', 'details'],
  },
  fx_rates: {
    key: ['id'],
    keys: ['provider', 'base_asset', 'quote_asset', 'as_of', 'excluded'],
    shown: ['rate', 'fetched_at'],
  },
  payment_links: {
    key: ['id'],
    keys: [
      'organisation_id',
      'member_id',
      'status',
      'currency',
      'external_reference',
      'created_at',
      'deleted_at',
    ],
    shown: [
      'short_code',
      'amount_minor',
      'description',
      'rate_mode',
      'rate_lock_seconds',
      'accepted_assets',
      'completions_max',
      'completions_count',
      'expires_at',
      'success_url',
      'inactive_message',
      'metadata',
      'fx_set_id',
      'updated_at',
      'version',
    ],
  },
  payment_link_items: {
    key: ['id'],
    keys: ['organisation_id', 'payment_link_id'],
    shown: ['position', 'name', 'quantity', 'unit_amount_minor'],
  },
  payment_events: {
    key: ['id'],
    keys: ['organisation_id', 'payment_link_id', 'created_at'],
    shown: ['type', 'provider', 'asset', 'amount_minor', 'payload', 'occurred_at'],
  },
  fx_snapshots: {
    key: ['id'],
    keys: ['organisation_id', 'payment_link_id', 'set_id', 'snapshot_type', 'asset', 'captured_at'],
    shown: [
      'currency',
      'rate',
      'amount_minor',
      'leg_base',
      'currency_leg',
      'asset_leg',
      'provider',
      'as_of',
      'staleness_seconds',
      'is_stale',
      'rounding_rule',
      'lock_expires_at',
    ],
  },
  ledger_accounts: {
    key: ['id'],
    keys: ['organisation_id', 'code', 'asset'],
    shown: ['name', 'type', 'normal_side'],
  },
  ledger_entries: {
    key: ['id'],
    keys: ['organisation_id', 'payment_link_id', 'account_id', 'posted_at'],
    shown: ['ledger_transaction_id', 'direction', 'amount_minor', 'asset', 'created_at'],
  },
  xero_syncs: {
    key: ['id'],
    keys: ['organisation_id', 'payment_link_id', 'created_at'],
    shown: ['kind', 'status', 'xero_id', 'attempts', 'next_attempt_at', 'currency_rate', 'error'],
  },
  categories: {
    key: ['id'],
    keys: ['organisation_id', 'parent_id', 'slug', 'path', 'depth'],
    shown: ['name'],
  },
  products: {
    key: ['id'],
    keys: [
      'organisation_id',
      'category_id',
      'sku',
      'slug',
      'title',
      'status',
      'published_at',
      'deleted_at',
    ],
    shown: ['description', 'kind', 'search', 'updated_at', 'version'],
  },
  prices: {
    key: ['id'],
    keys: ['organisation_id', 'product_id', 'currency', 'valid_from', 'valid_to'],
    shown: ['amount_minor', 'compare_at_minor', 'tax_inclusive'],
  },
  inventory_items: {
    key: ['id'],
    keys: ['organisation_id', 'product_id', 'location'],
    shown: ['on_hand', 'reserved', 'updated_at'],
  },
}
