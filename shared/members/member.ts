import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { Organisation } from './organisation.ts'

export const memberStatuses = ['active', 'suspended', 'removed'] as const

/** A person known to an organisation: staff and customers alike, told apart by their roles. */
export const Member = defineEntity({
  name: 'Member',
  tableName: 'members',
  properties: {
    id: p.uuid().primary().defaultRaw('uuid_v7()'),
    organisationId: () => p.manyToOne(Organisation).mapToPk().fieldName('organisation_id'),
    email: p.string().columnType('citext'),
    name: p.text(),
    tier: p.text().default('standard'),
    status: p.enum(memberStatuses).default('active'),
    locale: p.text().default('en'),
    lastActiveAt: p.datetime().columnType('timestamptz').nullable(),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
    updatedAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
    version: p.integer().version().default(1),
  },
})
export type Member = InferEntity<typeof Member>
