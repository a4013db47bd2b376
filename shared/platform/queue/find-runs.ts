import { sql, type RawBuilder } from 'kysely'
import type { Runner } from '../database/database.ts'
import type { jobRunStates } from '../delivery/job-run.ts'

/** What an operator looks for; everything given must fit. */
export type RunFilter = {
  readonly runId?: string | undefined
  readonly jobId?: string | undefined
  readonly queue?: string | undefined
  readonly name?: string | undefined
  readonly organisationId?: string | undefined
  readonly state?: (typeof jobRunStates)[number] | undefined
  /** Anywhere in the text of the error, in any case. */
  readonly text?: string | undefined
  readonly traceId?: string | undefined
  /** Only runs that began before the one with this id. */
  readonly before?: string | undefined
}

/** One run of a job, as operators see it. Instants are RFC 3339. */
export type FoundRun = {
  readonly id: string
  readonly queue: string
  readonly name: string
  readonly jobId: string
  readonly state: (typeof jobRunStates)[number]
  readonly attempt: number
  readonly startedAt: string
  readonly finishedAt: string | null
  readonly rows: number | null
  readonly progressRatio: number | null
  readonly error: string | null
  readonly traceId: string | null
  readonly organisationId: string | null
  readonly payload: unknown
}

/** Runs that fit, the latest first. In the database and not in the queue, so also those that a queue has forgotten. */
export function findRuns(
  { db }: { readonly db: Runner },
  filter: RunFilter,
  limit: number,
): Promise<readonly FoundRun[]> {
  const conditions = conditionsOf(filter)
  const where = conditions.length > 0 ? sql`where ${sql.join(conditions, sql` and `)}` : sql``
  return db.run(sql<FoundRun>`
    select id, queue, name, bull_id as "jobId", state, attempt,
           to_json(started_at) #>> '{}' as "startedAt", to_json(finished_at) #>> '{}' as "finishedAt",
           rows_affected as rows, progress_ratio as "progressRatio", error, trace_id as "traceId",
           organisation_id as "organisationId", payload
      from job_runs ${where}
     order by started_at desc, id desc limit ${limit}`)
}

function conditionsOf(filter: RunFilter): readonly RawBuilder<unknown>[] {
  const { runId, jobId, queue, name, organisationId, state, text, traceId, before } = filter
  return [
    ...(runId === undefined ? [] : [sql`id = ${runId}::uuid`]),
    ...(jobId === undefined ? [] : [sql`bull_id = ${jobId}`]),
    ...(queue === undefined ? [] : [sql`queue = ${queue}`]),
    ...(name === undefined ? [] : [sql`name = ${name}`]),
    ...(organisationId === undefined ? [] : [sql`organisation_id = ${organisationId}::uuid`]),
    ...(state === undefined ? [] : [sql`state = ${state}`]),
    ...(text === undefined ? [] : [sql`error ilike ${`%${text.replace(/[%_\\]/g, '\\$&')}%`}`]),
    ...(traceId === undefined ? [] : [sql`trace_id = ${traceId}`]),
    ...(before === undefined
      ? []
      : [
          sql`(started_at, id) < (select last.started_at, last.id from job_runs last where last.id = ${before}::uuid)`,
        ]),
  ]
}
