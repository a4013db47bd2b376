import { sql } from 'kysely'
import { z } from 'zod'
import type { Runner } from '#platform/database/database'
import { Problem } from '#platform/problem'
import { problems as readProblems } from '#platform/resource/problems'
import { problems } from './problems.ts'

// A revocation may lie in the future, so that the old key works until the new one has been deployed. It is only ever
// moved nearer: a key that was revoked at once stays so.

type Slice = { readonly db: Runner }

/** Revokes one key of an organisation, now or after an overlap. Doing it again is harmless.
 *  @returns the id of the key as it is stored, or undefined when it ends as soon as that already
 *  @throws {Problem} read/not-found, word for word as a read answers it */
export async function revokeApiKey(
  { db }: Slice,
  key: {
    readonly organisationId: string
    readonly keyId: string
    readonly overlapSeconds?: number
  },
): Promise<string | undefined> {
  const { organisationId, overlapSeconds = 0 } = key
  const keyId = z.uuid().safeParse(key.keyId).data ?? null
  const [revoked] = await db.run(sql<{ id: string }>`
    update api_keys
       set revoked_at = clock_timestamp() + make_interval(secs => ${overlapSeconds}::float8)
     where id = ${keyId}::uuid and organisation_id = ${organisationId}::uuid
       and (revoked_at is null or revoked_at > clock_timestamp() + make_interval(secs => ${overlapSeconds}::float8))
    returning id`)
  if (revoked) {
    return revoked.id
  }
  const known = await db.run(sql`
    select 1 from api_keys where id = ${keyId}::uuid and organisation_id = ${organisationId}::uuid`)
  if (known.length === 0) {
    throw new Problem(readProblems.notFound, 'There is no API key with this id.')
  }
  return undefined
}

/** Revokes one admin token, now or after an overlap. Doing it again is harmless.
 *  @throws {Problem} members/admin-token-missing */
export async function revokeAdminToken(
  { db }: Slice,
  token: { readonly tokenId: string; readonly overlapSeconds?: number },
): Promise<void> {
  const revoked = await db.run(sql`
    update admin_tokens
       set revoked_at = least(revoked_at, clock_timestamp() + make_interval(secs => ${token.overlapSeconds ?? 0}::float8))
     where id = ${token.tokenId}::uuid
    returning id`)
  if (revoked.length === 0) {
    throw new Problem(problems.adminTokenMissing, `There is no admin token ${token.tokenId}.`)
  }
}

/** Revokes every key of an organisation's own and every admin token of the installation, after an overlap; members
 *  keep theirs. The first half of a rotation: issue the new ones afterwards, in the same transaction. */
export async function retireCredentials(
  { db }: Slice,
  {
    organisationId,
    overlapSeconds,
  }: { readonly organisationId: string; readonly overlapSeconds: number },
): Promise<void> {
  await db.run(sql`
    with keys as (
      update api_keys
         set revoked_at = least(revoked_at, clock_timestamp() + make_interval(secs => ${overlapSeconds}::float8))
       where organisation_id = ${organisationId}::uuid and kind <> 'member')
    update admin_tokens
       set revoked_at = least(revoked_at, clock_timestamp() + make_interval(secs => ${overlapSeconds}::float8))`)
}
