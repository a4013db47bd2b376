import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { AdminToken } from './admin-token.ts'

/** The answer that an operator was given to a key, kept so that the same call gets the same answer. Without an answer: the
 *  call is being made, or its process ended. */
export const AdminAnswer = defineEntity({
  name: 'AdminAnswer',
  tableName: 'admin_answers',
  properties: {
    adminTokenId: () =>
      p
        .manyToOne(AdminToken)
        .mapToPk()
        .fieldName('admin_token_id')
        .primary()
        .deleteRule('no action'),
    procedure: p.text().collation('C').primary(),
    key: p.text().collation('C').primary(),
    requestHash: p.blob(),
    /** JSON. */
    answer: p.text().nullable(),
    /** Until then nobody else begins the same call. */
    lockedUntil: p.datetime().columnType('timestamptz'),
    expiresAt: p.datetime().columnType('timestamptz'),
  },
})
export type AdminAnswer = InferEntity<typeof AdminAnswer>
