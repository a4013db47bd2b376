import { Migration } from '@mikro-orm/migrations'

/** What operators search runs of jobs by. Built without blocking the runs. */
export class JobRunIndexes extends Migration {
  override isTransactional(): boolean {
    return false
  }

  override up(): void {
    this.addSql(`set lock_timeout = '10min'`)
    for (const [name, definition] of Object.entries(indexes)) {
      // An interrupted build leaves an invalid index behind, which IF NOT EXISTS would take for a good one.
      this.addSql(`drop index concurrently if exists ${name}`)
      this.addSql(`create index concurrently ${name} on ${definition}`)
    }
    // a prefix of idx_job_runs_job, which finds the completed ones as well
    this.addSql('drop index concurrently if exists idx_job_runs_active')
    this.addSql('reset lock_timeout')
  }

  override down(): void {
    this.addSql(`set lock_timeout = '10min'`)
    this.addSql(`
create index concurrently idx_job_runs_active on job_runs (queue, bull_id) where state = 'active'`)
    for (const name of Object.keys(indexes)) {
      this.addSql(`drop index concurrently if exists ${name}`)
    }
    this.addSql('reset lock_timeout')
  }
}

const indexes: Readonly<Record<string, string>> = {
  idx_job_runs_job: 'job_runs (queue, bull_id, state)',
  idx_job_runs_started: 'job_runs (started_at desc, id desc)',
  idx_job_runs_org_started:
    'job_runs (organisation_id, started_at desc, id desc) where organisation_id is not null',
  idx_job_runs_trace: 'job_runs (trace_id) where trace_id is not null',
  idx_job_runs_error_trgm: 'job_runs using gin (error gin_trgm_ops) where error is not null',
}
