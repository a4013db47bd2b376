import { Migration } from '@mikro-orm/migrations'

/**
 * What operators see of jobs, also when the queues have forgotten them: every run with its payload and for whom it was, what
 * was given up and why, and what the workers declare. Events of the outbox are delivered to each subscriber on its own, in
 * the order in which those of one aggregate were committed.
 */
export class Jobs extends Migration {
  override up(): void {
    this.addSql(`
alter table job_runs
  add column organisation_id uuid,
  add column payload jsonb,
  add column progress_ratio real check (progress_ratio between 0 and 1)`)
    this.addSql(`
create table dead_letters (
  id uuid primary key default uuid_v7(),
  queue text collate "C" not null,
  name text collate "C" not null,
  job_id text collate "C" not null,
  organisation_id uuid,
  payload jsonb not null,
  reason text collate "C" not null
    check (reason in ('attempts-used-up', 'not-repeatable', 'payload-invalid', 'job-unknown', 'stalled')),
  error text not null,
  attempts integer not null,
  trace_id text collate "C",
  died_at timestamptz not null,
  resolution text check (resolution in ('replayed', 'discarded')),
  resolved_at timestamptz,
  resolved_by uuid,
  replay_job_id text collate "C",
  constraint dead_letters_resolved_check check ((resolution is null) = (resolved_at is null))
)`)
    this.addSql(`
create unique index idx_dead_letters_open on dead_letters (queue, job_id) where resolution is null`)
    this.addSql(`create index idx_dead_letters_died on dead_letters (died_at desc, id desc)`)
    this.addSql(`
create table job_definitions (
  queue text collate "C" not null,
  name text collate "C" not null,
  payload_schema jsonb not null,
  attempts_max integer not null,
  backoff_ms integer not null,
  timeout_ms integer not null,
  concurrency integer not null,
  when_given_up text collate "C" not null check (when_given_up in ('dead-letter', 'next-run')),
  declared_at timestamptz not null,
  primary key (queue, name)
)`)
    this.addSql(`
create table job_schedules (
  id text collate "C" primary key,
  queue text collate "C" not null,
  name text collate "C" not null,
  payload jsonb not null,
  cron text,
  every_ms integer,
  first_declared_at timestamptz not null,
  declared_at timestamptz not null,
  constraint job_schedules_cadence_check check ((cron is null) <> (every_ms is null))
)`)
  }

  override down(): void {
    for (const table of ['job_schedules', 'job_definitions', 'dead_letters']) {
      this.addSql(`drop table ${table}`)
    }
    this.addSql(`
alter table job_runs drop column organisation_id, drop column payload, drop column progress_ratio`)
  }
}
