import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { Member } from './member.ts'
import { Organisation } from './organisation.ts'

export const apiKeyKinds = ['secret', 'publishable', 'member'] as const

/** A credential of an organisation, or of one member of it. Only the SHA-256 of the secret is stored. */
export const ApiKey = defineEntity({
  name: 'ApiKey',
  tableName: 'api_keys',
  properties: {
    id: p.uuid().primary().defaultRaw('uuid_v7()'),
    organisationId: () => p.manyToOne(Organisation).mapToPk().fieldName('organisation_id'),
    /** Set exactly when `kind` is `member`. */
    memberId: () =>
      p.manyToOne(Member).mapToPk().fieldName('member_id').nullable().deleteRule('no action'),
    kind: p.enum(apiKeyKinds),
    name: p.text(),
    keyHash: p.blob(),
    prefix: p.text(),
    lastFour: p.text(),
    scopes: p.array(),
    /** The rate-limit class. */
    class: p.text().default('standard'),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
    expiresAt: p.datetime().columnType('timestamptz').nullable(),
    revokedAt: p.datetime().columnType('timestamptz').nullable(),
  },
})
export type ApiKey = InferEntity<typeof ApiKey>
