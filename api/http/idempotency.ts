import { createHash } from 'node:crypto'
import type { Request } from 'express'
import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'
import { Problem } from '#platform/problem'
import { problems } from './problems.ts'

/** The answer of a write, complete enough to be given again word for word. */
export type Answer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** One request that must have its effect once: what it is known by and what it asked for. */
export type Attempt = {
  readonly organisationId: string
  readonly route: string
  readonly key: string
  readonly requestHash: Buffer
}

/** How long an answer is kept for repetition (Stripe's 24 hours; published in the README). */
const keptHours = 24

/** Reads the header and fingerprints the request: method, path and canonical body.
 *  @throws {Problem} http/idempotency-key-missing, http/idempotency-key-invalid */
export function readAttempt(
  request: Request,
  { organisationId, route, body }: { organisationId: string; route: string; body: unknown },
): Attempt {
  const header = request.get('idempotency-key')
  if (header === undefined) {
    throw new Problem(problems.idempotencyKeyMissing, `${route} needs an Idempotency-Key header.`)
  }
  const key = header.startsWith('"') && header.endsWith('"') ? header.slice(1, -1) : header
  if (!/^[\x20-\x7e]{1,255}$/.test(key) || /["\\]/.test(key)) {
    throw new Problem(
      problems.idempotencyKeyInvalid,
      'The key must be 1 to 255 printable characters.',
    )
  }
  const canonical = JSON.stringify([request.method, request.path, sortKeys(body)])
  const requestHash = createHash('sha256').update(canonical).digest()
  return { organisationId, route, key, requestHash }
}

/** The answer that the same request was given before, if any.
 *  @throws {Problem} http/idempotency-key-reused when the key came with another request */
export async function findAnswer(runner: Runner, attempt: Attempt): Promise<Answer | undefined> {
  const [row] = await runner.run(sql<{
    request_hash: Buffer
    response_status: number
    response_headers: Record<string, string>
    response_body: string
  }>`
    select request_hash, response_status, response_headers, response_body
      from idempotency_keys
     where organisation_id = ${attempt.organisationId} and route = ${attempt.route}
       and key = ${attempt.key} and expires_at > now()`)
  if (!row) {
    return undefined
  }
  if (!row.request_hash.equals(attempt.requestHash)) {
    throw new Problem(
      problems.idempotencyKeyReused,
      'The first request with this key was different.',
    )
  }
  const { response_status: status, response_headers: headers, response_body: body } = row
  return { status, headers, body }
}

/** Keeps others with the same key out until this transaction ends; the lock leaves with it, also in a crash.
 *  @throws {Problem} http/idempotency-key-busy when another transaction holds it */
export async function claim(tx: Runner, { organisationId, route, key }: Attempt): Promise<void> {
  const name = JSON.stringify([organisationId, route, key])
  const [row] = await tx.run(
    sql<{ held: boolean }>`select pg_try_advisory_xact_lock(hashtextextended(${name}, 0)) as held`,
  )
  if (!row?.held) {
    throw new Problem(problems.idempotencyKeyBusy, 'The first request with this key has not ended.')
  }
}

/** Keeps the answer, in the same transaction as the effect it speaks of. */
export async function keepAnswer(tx: Runner, attempt: Attempt, answer: Answer): Promise<void> {
  await tx.run(sql`
    insert into idempotency_keys (organisation_id, route, key, request_hash,
                                  response_status, response_headers, response_body, expires_at)
    values (${attempt.organisationId}, ${attempt.route}, ${attempt.key}, ${attempt.requestHash},
            ${answer.status}, ${JSON.stringify(answer.headers)}, ${answer.body},
            now() + make_interval(hours => ${keptHours}))
    on conflict (organisation_id, route, key) do update
       set request_hash = excluded.request_hash, response_status = excluded.response_status,
           response_headers = excluded.response_headers, response_body = excluded.response_body,
           created_at = now(), expires_at = excluded.expires_at`)
}

/** The same value with the keys of every object in order, so that two spellings of one request are equal. */
function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(sortKeys)
  }
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1))
    return Object.fromEntries(entries.map(([key, inner]) => [key, sortKeys(inner)]))
  }
  return value
}
