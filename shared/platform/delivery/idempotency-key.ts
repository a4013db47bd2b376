import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

/** The answer that was given to a caller's key, kept so that the same request gets the same answer. */
export const IdempotencyKey = defineEntity({
  name: 'IdempotencyKey',
  tableName: 'idempotency_keys',
  properties: {
    organisationId: p.uuid().primary(),
    route: p.text().collation('C').primary(),
    key: p.text().collation('C').primary(),
    requestHash: p.blob(),
    responseStatus: p.smallint(),
    responseHeaders: p.json<Readonly<Record<string, string>>>(),
    responseBody: p.text(),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
    expiresAt: p.datetime().columnType('timestamptz'),
  },
})
export type IdempotencyKey = InferEntity<typeof IdempotencyKey>
