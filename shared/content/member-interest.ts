import { Member } from '#members'
import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { Tag } from './tag.ts'

/** How much a member is interested in what a tag names. */
export const MemberInterest = defineEntity({
  name: 'MemberInterest',
  tableName: 'member_interests',
  properties: {
    memberId: () =>
      p
        .manyToOne(Member)
        .mapToPk()
        .fieldName('member_id')
        .primary()
        .updateRule('no action')
        .deleteRule('no action'),
    tagId: () =>
      p
        .manyToOne(Tag)
        .mapToPk()
        .fieldName('tag_id')
        .primary()
        .updateRule('no action')
        .deleteRule('cascade'),
    organisationId: p.uuid(),
    weight: p.double(),
    updatedAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
  },
})
export type MemberInterest = InferEntity<typeof MemberInterest>
