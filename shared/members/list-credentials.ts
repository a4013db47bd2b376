import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'
import type { AdminRole } from './issue-credential.ts'

/** What a list of credentials begins after, and how long it is. */
type Page = {
  /** The last id of the page before. */
  readonly before?: string | undefined
  readonly limit: number
}

/** A token of an operator, without what it could be used by. Instants are RFC 3339, UTC. */
export type ListedAdminToken = {
  readonly id: string
  readonly name: string
  readonly role: AdminRole
  readonly lastFour: string
  readonly createdAt: string
  readonly expiresAt: string | null
  readonly revokedAt: string | null
  readonly lastUsedAt: string | null
}

/** All tokens that there ever were, the newest first. */
export const listAdminTokens = (
  db: Runner,
  { before, limit }: Page,
): Promise<readonly ListedAdminToken[]> =>
  db.run(sql<ListedAdminToken>`
    select id, name, role, last_four as "lastFour", ${instant('created_at')} as "createdAt",
           ${instant('expires_at')} as "expiresAt", ${instant('revoked_at')} as "revokedAt",
           ${instant('last_used_at')} as "lastUsedAt"
      from admin_tokens
     where ${before ?? null}::uuid is null or id < ${before ?? null}::uuid
     order by id desc limit ${limit}`)

/** A key of an organisation, likewise. */
export type ListedApiKey = Omit<ListedAdminToken, 'role' | 'lastUsedAt'> & {
  readonly kind: string
  readonly memberId: string | null
  readonly scopes: readonly string[]
  /** The rate-limit class. */
  readonly class: string
}

/** The keys of an organisation and of its members, the newest first. */
export const listApiKeys = (
  db: Runner,
  organisationId: string,
  { before, limit }: Page,
): Promise<readonly ListedApiKey[]> =>
  db.run(sql<ListedApiKey>`
    select id, name, kind, member_id as "memberId", scopes, class, last_four as "lastFour",
           ${instant('created_at')} as "createdAt", ${instant('expires_at')} as "expiresAt",
           ${instant('revoked_at')} as "revokedAt"
      from api_keys
     where organisation_id = ${organisationId}::uuid
       and (${before ?? null}::uuid is null or id < ${before ?? null}::uuid)
     order by id desc limit ${limit}`)

const instant = (column: string) =>
  sql<string>`to_char(${sql.ref(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
