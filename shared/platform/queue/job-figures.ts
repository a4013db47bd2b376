import { sql } from 'kysely'
import type { Runner } from '../database/database.ts'

/** How the runs of a job went. */
export type JobFigures = {
  readonly queue: string
  readonly name: string
  readonly runs: number
  readonly failed: number
  /** Of those that completed; null when none did. */
  readonly p95Seconds: number | null
}

/** The runs that ended in a span of time, by job, those that failed most often first. Reads all runs that are kept. */
export const figuresOfJobs = (
  db: Runner,
  { from, to }: { readonly from: Date; readonly to: Date },
): Promise<readonly JobFigures[]> =>
  db.run(sql<JobFigures>`
    select queue, name, count(*)::integer as runs, (count(*) filter (where state = 'failed'))::integer as failed,
           percentile_cont(0.95) within group (order by extract(epoch from finished_at - started_at)::float8)
             filter (where state = 'completed') as "p95Seconds"
      from job_runs
     where finished_at >= ${from.toISOString()}::timestamptz and finished_at < ${to.toISOString()}::timestamptz
     group by queue, name
     order by failed desc, name`)
