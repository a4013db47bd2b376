import { sql } from 'kysely'
import type { Clock } from '../clock.ts'
import type { Database } from '../database/database.ts'
import { transaction, type Transaction } from '../database/transaction.ts'
import { Problem } from '../problem.ts'
import type { Random } from '../random.ts'
import { queueProblems } from './problems.ts'

/** What recording a run needs. */
export type RecordSlice = {
  readonly db: Database
  readonly clock: Clock
  readonly random: Random
}

/** A job in its queue. Ids are unique for ever: of what is enqueued random, of what a schedule makes its slot. */
export type JobId = { readonly queue: string; readonly jobId: string }

/** A run that has begun. */
export type StartedRun = JobId & {
  readonly name: string
  readonly attempt: number
  readonly traceId: string | undefined
  readonly organisationId: string | undefined
  readonly payload: unknown
}

/** How a run ended. */
export type RunEnd =
  | { readonly state: 'completed'; readonly rows: number | undefined }
  | { readonly state: 'failed'; readonly error: string }

/** Records that a run begins and returns its id; undefined when the job was completed by an earlier run, so that there is
 *  nothing to do. A run of the same job that never ended, because its process was killed or frozen, is closed first, and
 *  from then on its `completeWith` is refused. Two statements, so that the second sees what the first waited for. */
export async function recordStart(
  slice: RecordSlice,
  run: StartedRun,
): Promise<string | undefined> {
  const id = slice.random.uuid()
  const now = slice.clock.now().toISOString()
  const { queue, jobId, name, attempt, traceId, organisationId, payload } = run
  await slice.db.run(sql`
    update job_runs set state = 'failed', finished_at = ${now}, error = 'the process that ran it stopped'
     where queue = ${queue} and bull_id = ${jobId} and state = 'active'`)
  const begun = await slice.db.run(sql`
    insert into job_runs (id, queue, name, bull_id, state, attempt, started_at, trace_id, organisation_id, payload)
    select ${id}, ${queue}, ${name}, ${jobId}, 'active', ${attempt}, ${now}, ${traceId ?? null},
           ${organisationId ?? null}, ${JSON.stringify(payload ?? null)}::jsonb
     where not exists (
       select from job_runs where queue = ${queue} and bull_id = ${jobId} and state = 'completed')
    returning id`)
  return begun.length > 0 ? id : undefined
}

/** Runs `work` in a transaction in which the run's record becomes completed: both or neither. Of all runs of a job, at most
 *  one ever gets through, whatever clocks and locks of queues say: it holds an advisory lock on the job meanwhile, no other run
 *  of it may be completed, and its own must not have been closed by a later one.
 *  @throws {Problem} queue/superseded */
export function completeWith<T>(
  slice: RecordSlice,
  { queue, jobId }: JobId,
  runId: string,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return transaction(slice, async (tx) => {
    await tx.run(sql`select pg_advisory_xact_lock(hashtext(${queue}), hashtext(${jobId}))`)
    const own = await tx.run(sql`
      update job_runs set state = 'completed', finished_at = ${slice.clock.now().toISOString()}, progress_ratio = null
       where id = ${runId} and state = 'active' and not exists (
         select from job_runs where queue = ${queue} and bull_id = ${jobId} and state = 'completed')
      returning 1`)
    if (own.length === 0) {
      throw new Problem(queueProblems.superseded, `${jobId} in ${queue}`)
    }
    return work(tx)
  })
}

/** Records how a run ended; what `completeWith` has completed gets the number of its rows. */
export async function recordEnd(slice: RecordSlice, id: string, end: RunEnd): Promise<void> {
  const now = slice.clock.now().toISOString()
  const rows = end.state === 'completed' ? (end.rows ?? null) : null
  const error = end.state === 'failed' ? end.error.slice(0, errorLengthMax) : null
  await slice.db.run(sql`
    update job_runs
       set state = ${end.state}, finished_at = coalesce(finished_at, ${now}), rows_affected = ${rows}, error = ${error},
           progress_ratio = case when ${end.state} = 'failed' then progress_ratio end
     where id = ${id} and (state = 'active' or (state = 'completed' and ${end.state} = 'completed'))`)
}

/** Records how far a run is.  @param ratio 0 to 1 */
export async function recordProgress(
  { db }: Pick<RecordSlice, 'db'>,
  id: string,
  ratio: number,
): Promise<void> {
  await db.run(sql`
    update job_runs set progress_ratio = ${ratio} where id = ${id} and state = 'active'`)
}

/** Enough to recognise a failure by; the whole of it stands in the log under the same trace id. */
export const errorLengthMax = 1000

/** When the job last completed with this payload, if it ever did. */
export async function lastCompletedAt(
  { db }: { readonly db: Pick<Database, 'run'> },
  job: { readonly queue: string; readonly name: string; readonly payload: unknown },
): Promise<Date | undefined> {
  const [row] = await db.run<{ at: string | null }>(sql`
    select started_at as at from job_runs
     where queue = ${job.queue} and name = ${job.name} and state = 'completed'
       and (payload is null or payload = ${JSON.stringify(job.payload ?? null)}::jsonb)
     order by started_at desc limit 1`)
  return row?.at ? new Date(row.at) : undefined
}
