import { Migration } from '@mikro-orm/migrations'

/** Organisations, the people in them, and the credentials of both. Secrets are stored as SHA-256 only. */
export class Members extends Migration {
  override up(): void {
    this.addSql(`
create table organisations (
  id uuid primary key default uuid_v7(),
  name text not null,
  slug text collate "C" not null constraint organisations_slug_key unique,
  default_currency varchar(10) collate "C" not null references assets (code),
  settlement_assets text[] not null
    constraint organisations_settlement_assets_check
    check (cardinality(settlement_assets) = 4 and are_distinct(settlement_assets)),
  time_zone text not null default 'UTC',
  plan text not null default 'standard',
  settings jsonb not null default '{}',
  created_at timestamptz not null default now()
)`)
    this.addSql(`
create table members (
  id uuid primary key default uuid_v7(),
  organisation_id uuid not null references organisations (id),
  email citext not null,
  name text not null,
  tier text not null default 'standard',
  status text not null default 'active' check (status in ('active', 'suspended', 'removed')),
  locale text not null default 'en',
  last_active_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version integer not null default 1
)`)
    this.addSql(`
create table member_roles (
  member_id uuid not null references members (id),
  role text not null check (role in ('owner', 'admin', 'finance', 'support', 'creator', 'customer')),
  primary key (member_id, role)
)`)
    this.addSql(`
create table api_keys (
  id uuid primary key default uuid_v7(),
  organisation_id uuid not null references organisations (id),
  member_id uuid references members (id),
  kind text not null check (kind in ('secret', 'publishable', 'member')),
  name text not null,
  key_hash bytea not null,
  prefix text not null,
  last_four text not null,
  scopes text[] not null,
  class text not null default 'standard',
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  constraint api_keys_member_check check ((kind = 'member') = (member_id is not null))
)`)
    this.addSql(`
create table admin_tokens (
  id uuid primary key default uuid_v7(),
  name text not null,
  role text not null check (role in ('viewer', 'operator', 'admin')),
  token_hash bytea not null,
  last_four text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz
)`)
  }

  override down(): void {
    for (const table of ['admin_tokens', 'api_keys', 'member_roles', 'members', 'organisations']) {
      this.addSql(`drop table ${table}`)
    }
  }
}
