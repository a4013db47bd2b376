import { Migration } from '@mikro-orm/migrations'

/** What makes an effect happen once: events written with their cause, answers kept by key, every job run recorded. */
export class Delivery extends Migration {
  override up(): void {
    this.addSql(`
create table outbox_events (
  id bigint generated always as identity primary key,
  organisation_id uuid references organisations (id),
  topic text collate "C" not null,
  aggregate_id uuid not null,
  payload jsonb not null,
  trace_parent text,
  created_at timestamptz not null default now(),
  published_at timestamptz
)`)
    this.addSql(`
create table idempotency_keys (
  organisation_id uuid not null references organisations (id),
  route text collate "C" not null,
  key text collate "C" not null,
  request_hash bytea not null,
  response_status smallint not null,
  response_headers jsonb not null,
  response_body text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  primary key (organisation_id, route, key)
)`)
    this.addSql(`
create table job_runs (
  id uuid primary key,
  queue text collate "C" not null,
  name text collate "C" not null,
  bull_id text collate "C" not null,
  state text not null check (state in ('active', 'completed', 'failed')),
  attempt smallint not null,
  started_at timestamptz not null,
  finished_at timestamptz,
  rows_affected integer,
  error text,
  trace_id text
)`)
  }

  override down(): void {
    for (const table of ['job_runs', 'idempotency_keys', 'outbox_events']) {
      this.addSql(`drop table ${table}`)
    }
  }
}
