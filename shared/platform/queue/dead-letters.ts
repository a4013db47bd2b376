import { sql } from 'kysely'
import type { Clock } from '../clock.ts'
import type { Runner } from '../database/database.ts'
import type { DeathReason } from '../delivery/dead-letter.ts'
import { errorLengthMax, type JobId } from './job-runs.ts'

/** A job that was given up. */
export type Death = JobId & {
  readonly name: string
  readonly organisationId: string | undefined
  readonly payload: unknown
  readonly reason: DeathReason
  /** What the last attempt said; safe to show. */
  readonly error: string
  readonly attempts: number
  readonly traceId: string | undefined
}

/** Keeps a job that was given up; once, however often it is told of.
 *  @returns whether it was new */
export async function bury(
  { db, clock }: { readonly db: Runner; readonly clock: Clock },
  death: Death,
): Promise<boolean> {
  const { queue, jobId, name, organisationId, payload, reason, error, attempts, traceId } = death
  const buried = await db.run(sql`
    insert into dead_letters (queue, name, job_id, organisation_id, payload, reason, error, attempts, trace_id, died_at)
    values (${queue}, ${name}, ${jobId}, ${organisationId ?? null}, ${JSON.stringify(payload ?? null)}::jsonb,
            ${reason}, ${error.slice(0, errorLengthMax)}, ${attempts}, ${traceId ?? null},
            ${clock.now().toISOString()})
    on conflict (queue, job_id) where resolution is null do nothing
    returning 1`)
  return buried.length > 0
}
