import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { Member } from './member.ts'
import { Organisation } from './organisation.ts'

export const roles = ['owner', 'admin', 'finance', 'support', 'creator', 'customer'] as const

export type Role = (typeof roles)[number]

/** One role of one member. */
export const MemberRole = defineEntity({
  name: 'MemberRole',
  tableName: 'member_roles',
  properties: {
    memberId: () => p.manyToOne(Member).mapToPk().fieldName('member_id').primary(),
    role: p.enum(roles).primary(),
    /** The member's; the database sets it, whatever is written. */
    organisationId: () => p.manyToOne(Organisation).mapToPk().fieldName('organisation_id'),
  },
})
export type MemberRole = InferEntity<typeof MemberRole>
