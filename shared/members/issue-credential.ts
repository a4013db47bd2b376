import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'
import { Problem } from '#platform/problem'
import type { Random } from '#platform/random'
import type { adminRoles } from './admin-token.ts'
import { mintCredential } from './credential.ts'
import { problems } from './problems.ts'
import { scopesOf, type Scope } from './scope.ts'

/** Works inside a transaction (`db: tx`) and outside. */
type Slice = { readonly db: Runner; readonly random: Random }

/** A credential that was stored just now. `text` cannot be had again. */
export type IssuedCredential = { readonly id: string; readonly text: string }

type KeyOptions = {
  readonly organisationId: string
  readonly kind: 'secret' | 'publishable'
  /** Said by its owner, to tell keys apart. */
  readonly name: string
  /** All that its kind allows when left out; more than that is not granted. */
  readonly scopes?: readonly Scope[]
  /** The rate-limit class. */
  readonly class?: string
  readonly expiresAt?: Date
}

/** Issues a key of an organisation: a secret one for its servers, a publishable one for its pages. */
export async function issueApiKey(
  { db, random }: Slice,
  key: KeyOptions,
): Promise<IssuedCredential> {
  const { text, prefix, hash, lastFour } = mintCredential(key.kind, random)
  const granted = scopesOf[key.kind].filter((scope) => key.scopes?.includes(scope) ?? true)
  const [row] = await db.run(sql<{ id: string }>`
    insert into api_keys (organisation_id, kind, name, key_hash, prefix, last_four, scopes, class, expires_at)
    values (${key.organisationId}::uuid, ${key.kind}, ${key.name}, ${hash}, ${prefix}, ${lastFour}, ${granted}::text[],
            ${key.class ?? 'standard'}, ${key.expiresAt?.toISOString() ?? null}::timestamptz)
    returning id`)
  return { id: issuedId(row), text }
}

type MemberTokenOptions = {
  readonly organisationId: string
  readonly memberId: string
  readonly name: string
  readonly class?: string
  readonly expiresAt?: Date
}

/** Issues a token with which one member reads what is theirs.
 *  @throws {Problem} members/member-missing if the organisation has no such member */
export async function issueMemberToken(
  { db, random }: Slice,
  token: MemberTokenOptions,
): Promise<IssuedCredential> {
  const { text, prefix, hash, lastFour } = mintCredential('member', random)
  const [row] = await db.run(sql<{ id: string }>`
    insert into api_keys (organisation_id, member_id, kind, name, key_hash, prefix, last_four, scopes, class, expires_at)
    select organisation_id, id, 'member', ${token.name}, ${hash}, ${prefix}, ${lastFour}, ${scopesOf.member}::text[],
           ${token.class ?? 'standard'}, ${token.expiresAt?.toISOString() ?? null}::timestamptz
      from members
     where id = ${token.memberId}::uuid and organisation_id = ${token.organisationId}::uuid
    returning id`)
  if (row === undefined) {
    throw new Problem(problems.memberMissing, `There is no member ${token.memberId}.`)
  }
  return { id: row.id, text }
}

/** What an operator may do: look, run things, or also change who may. */
export type AdminRole = (typeof adminRoles)[number]

type AdminTokenOptions = {
  readonly name: string
  readonly role: AdminRole
  readonly expiresAt?: Date
}

/** Issues a token for an operator of the whole installation. */
export async function issueAdminToken(
  { db, random }: Slice,
  token: AdminTokenOptions,
): Promise<IssuedCredential> {
  const { text, hash, lastFour } = mintCredential('admin', random)
  const [row] = await db.run(sql<{ id: string }>`
    insert into admin_tokens (name, role, token_hash, last_four, expires_at)
    values (${token.name}, ${token.role}, ${hash}, ${lastFour}, ${token.expiresAt?.toISOString() ?? null}::timestamptz)
    returning id`)
  return { id: issuedId(row), text }
}

function issuedId(row: { readonly id: string } | undefined): string {
  if (row === undefined) {
    throw new Error('the insert of a credential returned no row')
  }
  return row.id
}
