import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'
import { Problem } from '#platform/problem'
import { operatorProblems } from './problems.ts'

/** One call that must have its effect once: what it is known by and what it asked for. */
export type AdminAttempt = {
  readonly tokenId: string
  readonly procedure: string
  readonly key: string
  readonly requestHash: Buffer
}

/** As long as those of the API. */
const keptHours = 24

/** Keeps others with the same key out, or gives the answer that the same call was given before. A row and not a lock, for
 *  calls wait for networks, and no transaction may; a process that ended in between blocks its key for `lockMs`.
 *  @returns JSON, or undefined: the call is the caller's to make
 *  @throws {Problem} members/admin-key-busy, members/admin-key-reused */
export async function claimAnswer(
  db: Runner,
  { tokenId, procedure, key, requestHash }: AdminAttempt,
  lockMs: number,
): Promise<string | undefined> {
  const claimed = await db.run(sql`
    insert into admin_answers as known (admin_token_id, procedure, key, request_hash, locked_until, expires_at)
    values (${tokenId}::uuid, ${procedure}, ${key}, ${requestHash},
            clock_timestamp() + make_interval(secs => ${lockMs / 1000}::float8),
            clock_timestamp() + make_interval(hours => ${keptHours}))
    on conflict (admin_token_id, procedure, key) do update
       set request_hash = excluded.request_hash, answer = null,
           locked_until = excluded.locked_until, expires_at = excluded.expires_at
     where known.expires_at <= clock_timestamp() or (known.answer is null and known.locked_until <= clock_timestamp())
    returning 1`)
  if (claimed.length > 0) {
    return undefined
  }
  const [known] = await db.run(sql<{ requestHash: Buffer; answer: string | null }>`
    select request_hash as "requestHash", answer from admin_answers
     where admin_token_id = ${tokenId}::uuid and procedure = ${procedure} and key = ${key}`)
  if (known && !known.requestHash.equals(requestHash)) {
    throw new Problem(
      operatorProblems.adminKeyReused,
      'The first call with this key was different.',
    )
  }
  if (!known || known.answer === null) {
    throw new Problem(operatorProblems.adminKeyBusy, 'The first call with this key has not ended.')
  }
  return known.answer
}

/** Keeps the answer; where it can be, in the same transaction as the effect it speaks of.  @param answer JSON */
export async function keepAnswer(
  db: Runner,
  { tokenId, procedure, key }: AdminAttempt,
  answer: string,
): Promise<void> {
  await db.run(sql`
    update admin_answers set answer = ${answer}
     where admin_token_id = ${tokenId}::uuid and procedure = ${procedure} and key = ${key}`)
}

/** Gives the key back after a call that failed: it may be tried again. */
export async function releaseAnswer(
  db: Runner,
  { tokenId, procedure, key }: AdminAttempt,
): Promise<void> {
  await db.run(sql`
    delete from admin_answers
     where admin_token_id = ${tokenId}::uuid and procedure = ${procedure} and key = ${key} and answer is null`)
}

/** Deletes answers that nobody is given any more.  @returns how many, at most `rowsMax` */
export async function pruneAdminAnswers(
  db: Runner,
  { rowsMax }: { readonly rowsMax: number },
): Promise<number> {
  const [row] = await db.run(sql<{ count: number }>`
    with due as materialized (
      select admin_token_id, procedure, key from admin_answers
       where expires_at <= now() order by expires_at limit ${rowsMax} for update skip locked
    ), gone as (
      delete from admin_answers as kept using due
       where kept.admin_token_id = due.admin_token_id and kept.procedure = due.procedure and kept.key = due.key
      returning 1
    )
    select count(*)::integer as count from gone`)
  return row?.count ?? 0
}
