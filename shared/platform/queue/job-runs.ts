import { sql } from 'kysely'
import type { Clock } from '../clock.ts'
import type { Database } from '../database/database.ts'
import type { Random } from '../random.ts'

/** What recording a run needs. */
export type RecordSlice = {
  readonly db: Pick<Database, 'run'>
  readonly clock: Clock
  readonly random: Random
}

/** A run that has begun. */
export type StartedRun = {
  readonly queue: string
  readonly name: string
  /** The job's id in its queue; several runs of one job share it. */
  readonly queuedId: string
  readonly attempt: number
  readonly traceId: string | undefined
}

/** How a run ended. */
export type RunEnd =
  | { readonly state: 'completed'; readonly rows: number | undefined }
  | { readonly state: 'failed'; readonly error: string }

/** Records that a run begins and returns its id. A run of the same job that never ended, because its process was
 *  killed, is closed in the same statement. */
export async function recordStart(slice: RecordSlice, run: StartedRun): Promise<string> {
  const id = slice.random.uuid()
  const now = slice.clock.now().toISOString()
  await slice.db.run(sql`
    with abandoned as (
      update job_runs set state = 'failed', finished_at = ${now}, error = 'the process that ran it stopped'
      where queue = ${run.queue} and bull_id = ${run.queuedId} and state = 'active'
    )
    insert into job_runs (id, queue, name, bull_id, state, attempt, started_at, trace_id)
    values (${id}, ${run.queue}, ${run.name}, ${run.queuedId}, 'active', ${run.attempt}, ${now}, ${run.traceId ?? null})`)
  return id
}

/** Records how a run ended. */
export async function recordEnd(slice: RecordSlice, id: string, end: RunEnd): Promise<void> {
  const now = slice.clock.now().toISOString()
  const rows = end.state === 'completed' ? (end.rows ?? null) : null
  const error = end.state === 'failed' ? end.error.slice(0, errorLengthMax) : null
  await slice.db.run(sql`
    update job_runs set state = ${end.state}, finished_at = ${now}, rows_affected = ${rows}, error = ${error}
    where id = ${id} and state = 'active'`)
}

/** Enough to recognise a failure by; the whole of it stands in the log under the same trace id. */
const errorLengthMax = 1000

/** When the job last completed, if it ever did. */
export async function lastCompletedAt(
  { db }: Pick<RecordSlice, 'db'>,
  job: { readonly queue: string; readonly name: string },
): Promise<Date | undefined> {
  const [row] = await db.run<{ at: string | null }>(sql`
    select max(started_at) as at from job_runs
    where queue = ${job.queue} and name = ${job.name} and state = 'completed'`)
  return row?.at ? new Date(row.at) : undefined
}
