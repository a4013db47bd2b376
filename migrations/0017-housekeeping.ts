import { Migration } from '@mikro-orm/migrations'

/**
 * What housekeeping writes down, and the indexes by which it finds what is over without looking at what is not. The indexes
 * are built without blocking writers, so outside of a transaction; every step may be done again after an interruption.
 */
export class Housekeeping extends Migration {
  override isTransactional(): boolean {
    return false
  }

  override up(): void {
    this.addSql(`
create table if not exists reports (
  id bigint generated always as identity primary key,
  kind text collate "C" not null,
  figures jsonb not null,
  body jsonb not null,
  created_at timestamptz not null
)`)
    this.addSql('create index if not exists idx_reports_kind on reports (kind, id desc)')
    // How far a look at all rows of a table has come that takes many runs; a row for each that is under way.
    this.addSql(`
create table if not exists sweeps (
  name text collate "C" primary key,
  begun_at timestamptz not null,
  after_id uuid,
  rows_count integer not null,
  found jsonb not null
)`)
    this.addSql(`set lock_timeout = '10min'`)
    for (const [name, definition] of Object.entries(indexes)) {
      // An interrupted build leaves an invalid index behind, which IF NOT EXISTS would take for a good one.
      this.addSql(`drop index concurrently if exists ${name}`)
      this.addSql(`create index concurrently ${name} on ${definition}`)
    }
    this.addSql('reset lock_timeout')
  }

  override down(): void {
    this.addSql(`set lock_timeout = '10min'`)
    for (const name of Object.keys(indexes)) {
      this.addSql(`drop index concurrently if exists ${name}`)
    }
    this.addSql('reset lock_timeout')
    this.addSql('drop table if exists sweeps')
    this.addSql('drop table if exists reports')
  }
}

const indexes: Readonly<Record<string, string>> = {
  idx_job_runs_completed: `job_runs (finished_at) where state = 'completed'`,
  idx_outbox_events_published: 'outbox_events (published_at) where published_at is not null',
}
