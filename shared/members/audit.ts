import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'
import type { auditOutcomes } from './audit-entry.ts'

/** What is written down of one mutation. What it holds stays for ever: it must come without secrets. */
export type AuditRecord = {
  readonly tokenId: string
  readonly actor: string
  readonly procedure: string
  readonly organisationId?: string
  /** JSON. */
  readonly input: string
  readonly before?: string
  readonly after?: string
  readonly outcome: (typeof auditOutcomes)[number]
  readonly error?: string
  readonly reason?: string
  readonly idempotencyKey?: string
  readonly traceId?: string
}

/** Writes down what an operator did; where it can be, in the transaction that does it. */
export async function recordAudit(db: Runner, record: AuditRecord): Promise<void> {
  await db.run(sql`
    insert into audit_log (admin_token_id, actor, procedure, organisation_id, input, before, after,
                           outcome, error, reason, idempotency_key, trace_id)
    values (${record.tokenId}::uuid, ${record.actor}, ${record.procedure}, ${record.organisationId ?? null}::uuid,
            ${record.input}::jsonb, ${record.before ?? null}::jsonb, ${record.after ?? null}::jsonb, ${record.outcome},
            ${record.error ?? null}, ${record.reason ?? null}, ${record.idempotencyKey ?? null}, ${record.traceId ?? null})`)
}

/** A record as operators read it. */
export type AuditLine = {
  /** A number that grows with each record, as text. */
  readonly id: string
  /** RFC 3339, UTC. */
  readonly at: string
  readonly tokenId: string
  readonly actor: string
  readonly procedure: string
  readonly organisationId: string | null
  readonly input: unknown
  readonly before: unknown
  readonly after: unknown
  readonly outcome: AuditRecord['outcome']
  readonly error: string | null
  readonly reason: string | null
  readonly traceId: string | null
}

/** Which records are wanted; all of it must hold. */
export type AuditFilter = {
  readonly procedure?: string | undefined
  readonly tokenId?: string | undefined
  readonly organisationId?: string | undefined
  readonly outcome?: AuditRecord['outcome'] | undefined
  readonly since?: Date | undefined
  /** The last id of the page before. */
  readonly before?: string | undefined
}

/** The newest records first. */
export function listAudit(
  db: Runner,
  filter: AuditFilter,
  limit: number,
): Promise<readonly AuditLine[]> {
  const { procedure, tokenId, organisationId, outcome, since, before } = filter
  const conditions = [
    ...(procedure === undefined ? [] : [sql`procedure = ${procedure}`]),
    ...(tokenId === undefined ? [] : [sql`admin_token_id = ${tokenId}::uuid`]),
    ...(organisationId === undefined ? [] : [sql`organisation_id = ${organisationId}::uuid`]),
    ...(outcome === undefined ? [] : [sql`outcome = ${outcome}`]),
    ...(since === undefined ? [] : [sql`created_at >= ${since.toISOString()}::timestamptz`]),
    ...(before === undefined ? [] : [sql`id < ${before}::bigint`]),
  ]
  return db.run(sql<AuditLine>`
    select id, to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at,
           admin_token_id as "tokenId", actor, procedure, organisation_id as "organisationId",
           input, before, after, outcome, error, reason, trace_id as "traceId"
      from audit_log
     where ${conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `)}
     order by id desc limit ${limit}`)
}
