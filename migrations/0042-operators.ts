import { unwatch, watch } from '#platform/cache/watch'
import { Migration } from '@mikro-orm/migrations'

/** What operators did, the answers that they were given to their keys, when their tokens were used last, and the flags by
 *  which they switch parts of the product for some organisations. */
export class Operators extends Migration {
  override up(): void {
    this.addSql('alter table admin_tokens add column last_used_at timestamptz')
    this.addSql(`
create table audit_log (
  id bigint generated always as identity primary key,
  admin_token_id uuid not null references admin_tokens (id),
  actor text not null,
  procedure text collate "C" not null,
  organisation_id uuid,
  input jsonb not null,
  before jsonb,
  after jsonb,
  outcome text not null check (outcome in ('done', 'failed')),
  error text,
  reason text,
  idempotency_key text,
  trace_id text,
  created_at timestamptz not null default clock_timestamp()
)`)
    this
      .addSql(`create trigger audit_log_append_only before update or delete or truncate on audit_log
      for each statement execute function refuse_change()`)
    this.addSql(`
create table admin_answers (
  admin_token_id uuid not null references admin_tokens (id),
  procedure text collate "C" not null,
  key text collate "C" not null,
  request_hash bytea not null,
  answer text,
  locked_until timestamptz not null,
  expires_at timestamptz not null,
  primary key (admin_token_id, procedure, key)
)`)
    this.addSql(`
create table feature_flags (
  id uuid primary key default uuid_v7(),
  name text collate "C" not null,
  organisation_id uuid references organisations (id),
  percentage smallint not null check (percentage between 0 and 100),
  updated_by uuid not null,
  updated_at timestamptz not null default clock_timestamp(),
  constraint feature_flags_one_check check (organisation_id is null or percentage in (0, 100))
)`)
    for (const [name, definition] of Object.entries(indexes)) {
      this.addSql(`create ${definition.replace('index', `index ${name}`)}`)
    }
    const watched = { key: ['id'], keys: ['name', 'organisation_id'], shown: ['percentage'] }
    watch('feature_flags', watched).forEach((statement) => this.addSql(statement))
  }

  override down(): void {
    unwatch('feature_flags').forEach((statement) => this.addSql(statement))
    for (const table of ['feature_flags', 'admin_answers', 'audit_log']) {
      this.addSql(`drop table ${table}`)
    }
    this.addSql('alter table admin_tokens drop column last_used_at')
  }
}

/** The tables are new, so nobody waits while they are built. The log is read by its id, which grows with time: of two
 *  records of the same instant one is older. */
const indexes: Readonly<Record<string, string>> = {
  idx_audit_log_org:
    'index on audit_log (organisation_id, id desc) where organisation_id is not null',
  idx_audit_log_procedure: 'index on audit_log (procedure, id desc)',
  idx_audit_log_token: 'index on audit_log (admin_token_id, id desc)',
  idx_admin_answers_expiry: 'index on admin_answers (expires_at)',
  // the rule for all has no organisation, and there is one of it as well
  idx_feature_flags_name:
    'unique index on feature_flags (name, organisation_id) nulls not distinct',
}
