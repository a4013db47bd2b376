import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

export const adminRoles = ['viewer', 'operator', 'admin'] as const

/** A credential of an operator of the whole installation; belongs to no organisation. */
export const AdminToken = defineEntity({
  name: 'AdminToken',
  tableName: 'admin_tokens',
  properties: {
    id: p.uuid().primary().defaultRaw('uuid_v7()'),
    name: p.text(),
    role: p.enum(adminRoles),
    tokenHash: p.blob(),
    lastFour: p.text(),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
    expiresAt: p.datetime().columnType('timestamptz').nullable(),
    revokedAt: p.datetime().columnType('timestamptz').nullable(),
    /** To the minute, so that a token in use is not written at every call. */
    lastUsedAt: p.datetime().columnType('timestamptz').nullable(),
  },
})
export type AdminToken = InferEntity<typeof AdminToken>
