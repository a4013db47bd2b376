import { Migration } from '@mikro-orm/migrations'

/** Payment links with their items, their events and the four rates that are frozen with each of them.
 *  Rates have an upper bound because NaN is above zero, and above every other number too. */
export class Payments extends Migration {
  override up(): void {
    this.addSql(`
create table payment_links (
  id uuid primary key default uuid_v7(),
  organisation_id uuid not null references organisations (id),
  member_id uuid references members (id),
  short_code varchar(12) collate "C" not null,
  status text collate "C" not null
    check (status in ('draft', 'open', 'paid', 'partially_paid', 'expired', 'cancelled')),
  amount_minor bigint constraint payment_links_amount_minor_check check (amount_minor between 1 and 9007199254740991),
  currency varchar(10) collate "C" not null references assets (code),
  description text not null default '',
  external_reference text collate "C",
  rate_mode text not null default 'locked' check (rate_mode in ('locked', 'floating')),
  rate_lock_seconds integer check (rate_lock_seconds > 0),
  accepted_assets text[] not null,
  completions_max integer check (completions_max > 0),
  completions_count integer not null default 0 check (completions_count >= 0),
  expires_at timestamptz,
  success_url text,
  inactive_message text,
  metadata jsonb not null default '{}',
  fx_set_id uuid not null,
  created_by uuid references api_keys (id),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  version integer not null default 1
)`)
    this.addSql(`
create table payment_link_items (
  id bigint generated always as identity primary key,
  organisation_id uuid not null references organisations (id),
  payment_link_id uuid not null references payment_links (id),
  position smallint not null,
  name text not null,
  quantity integer not null check (quantity > 0),
  unit_amount_minor bigint not null check (unit_amount_minor between 0 and 9007199254740991)
)`)
    this.addSql(`
create table payment_events (
  id bigint generated always as identity primary key,
  organisation_id uuid not null references organisations (id),
  payment_link_id uuid not null references payment_links (id),
  type text collate "C" not null,
  provider text collate "C",
  provider_event_id text collate "C",
  asset varchar(10) collate "C" references assets (code),
  amount_minor bigint,
  payload jsonb not null default '{}',
  occurred_at timestamptz not null default now(),
  created_at timestamptz not null default now()
)`)
    this.addSql(`
create table fx_snapshots (
  id uuid primary key default uuid_v7(),
  set_id uuid not null,
  organisation_id uuid not null references organisations (id),
  payment_link_id uuid not null references payment_links (id),
  snapshot_type text collate "C" not null check (snapshot_type in ('creation', 'requote', 'settlement', 'refund')),
  currency varchar(10) collate "C" not null references assets (code),
  asset varchar(10) collate "C" not null references assets (code),
  rate numeric(24, 12) not null check (rate > 0 and rate < 1e12),
  leg_base varchar(10) collate "C" not null references assets (code),
  currency_leg numeric not null check (currency_leg > 0 and currency_leg < 1e12),
  asset_leg numeric not null check (asset_leg > 0 and asset_leg < 1e12),
  amount_minor bigint check (amount_minor between 0 and 9007199254740991),
  provider text collate "C" not null,
  batch_id uuid not null references fx_batches (id),
  as_of timestamptz not null,
  staleness_seconds integer not null check (staleness_seconds >= 0),
  is_stale boolean not null,
  rounding_rule text not null default 'half-even' check (rounding_rule = 'half-even'),
  captured_at timestamptz not null,
  lock_expires_at timestamptz,
  hash bytea not null
)`)
    for (const table of ['payment_events', 'fx_snapshots']) {
      this.addSql(
        `create trigger ${table}_append_only before update or delete or truncate on ${table}
         for each statement execute function refuse_change()`,
      )
    }
    this.addSql(requireFour)
    this
      .addSql(`create constraint trigger payment_links_four_rates after insert or update of fx_set_id on payment_links
      deferrable initially deferred for each row execute function require_four_rates()`)
    this.addSql(`create constraint trigger fx_snapshots_four_rates after insert on fx_snapshots
      deferrable initially deferred for each row execute function require_four_rates()`)
  }

  override down(): void {
    for (const table of ['fx_snapshots', 'payment_events', 'payment_link_items', 'payment_links']) {
      this.addSql(`drop table ${table}`)
    }
    this.addSql('drop function require_four_rates()')
  }
}

/**
 * At COMMIT a link has exactly four rates in its current set, and no set has any other number of them.
 * Row by row, because PostgreSQL defers only row triggers; the look-up is one probe of idx_fx_snapshots_link_type.
 */
const requireFour = `
create function require_four_rates() returns trigger language plpgsql as $$
declare
  link uuid;
  set_of_rates uuid;
  rates integer;
begin
  if tg_table_name = 'payment_links' then
    link := new.id; set_of_rates := new.fx_set_id;
  else
    link := new.payment_link_id; set_of_rates := new.set_id;
  end if;
  select count(*) into rates from fx_snapshots where payment_link_id = link and set_id = set_of_rates;
  if rates <> 4 then
    raise exception 'payment link % has % frozen rates in set %, not 4', link, rates, set_of_rates
      using errcode = 'check_violation', constraint = 'fx_snapshots_four_rates', table = 'fx_snapshots';
  end if;
  return null;
end $$`
