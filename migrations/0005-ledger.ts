import { Migration } from '@mikro-orm/migrations'

/** Double entry: per transaction and asset the debits equal the credits at COMMIT; entries are never changed. */
export class Ledger extends Migration {
  override up(): void {
    this.addSql(`
create table ledger_accounts (
  id uuid primary key default uuid_v7(),
  organisation_id uuid not null references organisations (id),
  code text collate "C" not null,
  name text not null,
  asset varchar(10) collate "C" not null references assets (code),
  type text not null check (type in ('asset', 'liability', 'equity', 'revenue', 'expense')),
  normal_side char(1) not null check (normal_side in ('D', 'C')),
  shard_count smallint not null default 1 check (shard_count > 0)
)`)
    this.addSql(`
create table ledger_transactions (
  id uuid primary key default uuid_v7(),
  organisation_id uuid not null references organisations (id),
  idempotency_key text collate "C" not null,
  reference_type text collate "C" not null,
  reference_id uuid not null,
  fx_snapshot_id uuid references fx_snapshots (id),
  status text not null check (status in ('pending', 'posted', 'voided')),
  effective_at timestamptz not null,
  posted_at timestamptz,
  previous_hash bytea,
  hash bytea not null
)`)
    this.addSql(`
create table ledger_entries (
  id bigint generated always as identity primary key,
  ledger_transaction_id uuid not null references ledger_transactions (id),
  organisation_id uuid not null references organisations (id),
  account_id uuid not null references ledger_accounts (id),
  shard smallint not null default 0,
  direction char(1) not null check (direction in ('D', 'C')),
  amount_minor bigint not null check (amount_minor > 0),
  asset varchar(10) collate "C" not null references assets (code),
  payment_link_id uuid references payment_links (id),
  posted_at timestamptz,
  created_at timestamptz not null default now()
)`)
    this.addSql(`
create table ledger_balances (
  account_id uuid not null references ledger_accounts (id),
  shard smallint not null default 0,
  pending_debit bigint not null default 0,
  pending_credit bigint not null default 0,
  posted_debit bigint not null default 0,
  posted_credit bigint not null default 0,
  lock_version integer not null default 0,
  updated_at timestamptz not null default now(),
  primary key (account_id, shard)
)`)
    this.addSql(`
create table xero_syncs (
  id uuid primary key default uuid_v7(),
  organisation_id uuid not null references organisations (id),
  payment_link_id uuid references payment_links (id),
  kind text not null check (kind in ('invoice', 'payment', 'credit_note', 'journal')),
  xero_id text,
  status text not null check (status in ('pending', 'in_flight', 'synced', 'failed', 'skipped')),
  attempts integer not null default 0,
  next_attempt_at timestamptz,
  currency_rate numeric(24, 12) check (currency_rate > 0 and currency_rate < 1e12),
  request_hash bytea,
  error text,
  created_at timestamptz not null default now()
)`)
    this
      .addSql(`create trigger ledger_entries_append_only before update or delete or truncate on ledger_entries
      for each statement execute function refuse_change()`)
    this.addSql(requireBalance)
    this.addSql(`create constraint trigger ledger_entries_balance after insert on ledger_entries
      deferrable initially deferred for each row execute function require_balance()`)
  }

  override down(): void {
    for (const table of [
      'xero_syncs',
      'ledger_balances',
      'ledger_entries',
      'ledger_transactions',
      'ledger_accounts',
    ]) {
      this.addSql(`drop table ${table}`)
    }
    this.addSql('drop function require_balance()')
  }
}

const requireBalance = `
create function require_balance() returns trigger language plpgsql as $$
declare
  unbalanced text;
begin
  select asset into unbalanced from ledger_entries
   where ledger_transaction_id = new.ledger_transaction_id
   group by asset
  having sum(case direction when 'D' then amount_minor else -amount_minor end) <> 0
   limit 1;
  if found then
    raise exception 'ledger transaction % does not balance in %', new.ledger_transaction_id, unbalanced
      using errcode = 'check_violation', constraint = 'ledger_entries_balance', table = 'ledger_entries';
  end if;
  return null;
end $$`
