import { sql } from 'kysely'
import { z } from 'zod'
import type { Clock } from '../clock.ts'
import type { Runner } from '../database/database.ts'
import type { JobDefinition } from './define-job.ts'
import type { Schedule } from './schedule.ts'

type Slice = { readonly db: Runner; readonly clock: Clock }

/** What no worker has declared for so long is gone from the code: versions that run beside each other declare what they have
 *  every few seconds. */
const forgottenAfterSeconds = 600

/** Writes down which jobs there are, for processes that cannot import them: operators run, retry and replay by it.
 *  One statement. */
export async function declareJobs(
  { db, clock }: Slice,
  jobs: readonly JobDefinition<never>[],
): Promise<void> {
  const rows = jobs.map((job) => ({
    queue: job.queue,
    name: job.name,
    payload_schema: z.toJSONSchema(job.payload, { io: 'input', unrepresentable: 'any' }),
    attempts_max: job.attemptsMax,
    backoff_ms: job.backoffMs,
    timeout_ms: job.timeoutMs,
    concurrency: job.concurrency,
    when_given_up: job.whenGivenUp,
  }))
  await db.run(sql`
    insert into job_definitions (queue, name, payload_schema, attempts_max, backoff_ms, timeout_ms, concurrency,
                                 when_given_up, declared_at)
    select job.*, ${clock.now().toISOString()}
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as job (queue text, name text, payload_schema jsonb, attempts_max int, backoff_ms int, timeout_ms int,
                concurrency int, when_given_up text)
    on conflict (queue, name) do update
       set payload_schema = excluded.payload_schema, attempts_max = excluded.attempts_max,
           backoff_ms = excluded.backoff_ms, timeout_ms = excluded.timeout_ms,
           concurrency = excluded.concurrency, when_given_up = excluded.when_given_up,
           declared_at = excluded.declared_at`)
}

/** Writes down which schedules there are. One whose cadence has changed counts from now. */
export async function declareSchedules(
  { db, clock }: Slice,
  schedules: readonly Schedule[],
): Promise<void> {
  const rows = schedules.map(({ id, job, payload, cadence }) => ({
    id,
    queue: job.queue,
    name: job.name,
    payload,
    cron: 'cron' in cadence ? cadence.cron : null,
    every_ms: 'cron' in cadence ? null : cadence.everyMs,
  }))
  const now = clock.now().toISOString()
  await db.run(sql`
    insert into job_schedules (id, queue, name, payload, cron, every_ms, first_declared_at, declared_at)
    select schedule.*, ${now}::timestamptz, ${now}::timestamptz
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as schedule (id text, queue text, name text, payload jsonb, cron text, every_ms int)
    on conflict (id) do update
       set queue = excluded.queue, name = excluded.name, payload = excluded.payload,
           cron = excluded.cron, every_ms = excluded.every_ms, declared_at = excluded.declared_at,
           first_declared_at = case
             when row(job_schedules.cron, job_schedules.every_ms, job_schedules.name)
               is distinct from row(excluded.cron, excluded.every_ms, excluded.name)
             then excluded.declared_at else job_schedules.first_declared_at end`)
}

/** Forgets the schedules that no version declares any more, and tells which they were. */
export function forgetSchedules({
  db,
  clock,
}: Slice): Promise<readonly { readonly id: string; readonly queue: string }[]> {
  return db.run(sql<{ id: string; queue: string }>`
    delete from job_schedules
     where declared_at < ${clock.now().toISOString()}::timestamptz - make_interval(secs => ${forgottenAfterSeconds})
    returning id, queue`)
}
