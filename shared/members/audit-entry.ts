import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { AdminToken } from './admin-token.ts'

export const auditOutcomes = ['done', 'failed'] as const

/** What an operator changed, or tried to. Append-only: the database refuses to change or remove it. */
export const AuditEntry = defineEntity({
  name: 'AuditEntry',
  tableName: 'audit_log',
  properties: {
    /** Grows with time. */
    id: p.bigint('string').primary().generated('identity'),
    adminTokenId: () =>
      p.manyToOne(AdminToken).mapToPk().fieldName('admin_token_id').deleteRule('no action'),
    /** The name of the token then. */
    actor: p.text(),
    /** `<router>.<procedure>`. */
    procedure: p.text().collation('C'),
    /** As the operator named it; there may be none of this id. */
    organisationId: p.uuid().nullable(),
    /** As it was sent, without secrets. */
    input: p.json<unknown>(),
    before: p.json<unknown>().nullable(),
    after: p.json<unknown>().nullable(),
    outcome: p.enum(auditOutcomes),
    /** The code of what failed. */
    error: p.text().nullable(),
    /** Said by the operator. */
    reason: p.text().nullable(),
    idempotencyKey: p.text().nullable(),
    traceId: p.text().nullable(),
    /** Of the record before; null for the first one. Both are the database's. */
    previousHash: p.blob().nullable(),
    /** SHA-256 of this record and `previousHash`. */
    hash: p.blob(),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('clock_timestamp()'),
  },
})
export type AuditEntry = InferEntity<typeof AuditEntry>
