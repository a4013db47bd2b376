import { sql } from 'kysely'
import type { Clock } from '../clock.ts'
import type { Runner } from '../database/database.ts'
import type { DeathReason, resolutions } from '../delivery/dead-letter.ts'
import { errorLengthMax, type JobId } from './job-runs.ts'

type Slice = { readonly db: Runner; readonly clock: Clock }

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
export async function bury({ db, clock }: Slice, death: Death): Promise<boolean> {
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

/** A dead letter, as operators see it. Instants are RFC 3339. */
export type FoundLetter = Omit<Death, 'organisationId' | 'traceId'> & {
  readonly id: string
  readonly organisationId: string | null
  readonly traceId: string | null
  readonly diedAt: string
  readonly resolution: (typeof resolutions)[number] | null
  readonly resolvedAt: string | null
  readonly replayJobId: string | null
}

export type LetterFilter = {
  readonly ids?: readonly string[] | undefined
  readonly queue?: string | undefined
  readonly name?: string | undefined
  readonly jobId?: string | undefined
  /** Only those that nobody has decided about. */
  readonly isOpen?: boolean | undefined
}

/** Dead letters that fit, the latest first. */
export function findLetters(
  { db }: Pick<Slice, 'db'>,
  { ids, queue, name, jobId, isOpen = false }: LetterFilter,
  limit: number,
): Promise<readonly FoundLetter[]> {
  return db.run(sql<FoundLetter>`
    select id, queue, name, job_id as "jobId", organisation_id as "organisationId", payload, reason, error, attempts,
           trace_id as "traceId", to_json(died_at) #>> '{}' as "diedAt", resolution,
           to_json(resolved_at) #>> '{}' as "resolvedAt", replay_job_id as "replayJobId"
      from dead_letters
     where (${ids === undefined} or id = any (${[...(ids ?? [])]}::uuid[]))
       and (${queue ?? null}::text is null or queue = ${queue ?? null})
       and (${name ?? null}::text is null or name = ${name ?? null})
       and (${jobId ?? null}::text is null or job_id = ${jobId ?? null})
       and (resolution is null or not ${isOpen})
     order by died_at desc, id desc limit ${limit}`)
}

/** What was decided about a dead letter, and by whom. */
export type Resolution = {
  readonly resolution: (typeof resolutions)[number]
  readonly resolvedBy: string
  readonly replayJobId?: string
}

/** Closes the open dead letter of a job, if there is one. */
export async function resolveLetter(
  { db, clock }: Slice,
  { queue, jobId }: JobId,
  { resolution, resolvedBy, replayJobId }: Resolution,
): Promise<void> {
  await db.run(sql`
    update dead_letters
       set resolution = ${resolution}, resolved_at = ${clock.now().toISOString()},
           resolved_by = ${resolvedBy}::uuid, replay_job_id = ${replayJobId ?? null}
     where queue = ${queue} and job_id = ${jobId} and resolution is null`)
}
