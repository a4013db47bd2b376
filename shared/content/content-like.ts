import { Member } from '#members'
import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { Content } from './content.ts'

/** That a member likes a content now. One like each, in whichever month it was given. */
export const ContentLike = defineEntity({
  name: 'ContentLike',
  tableName: 'content_likes',
  properties: {
    memberId: () =>
      p
        .manyToOne(Member)
        .mapToPk()
        .fieldName('member_id')
        .primary()
        .updateRule('no action')
        .deleteRule('no action'),
    contentId: () =>
      p
        .manyToOne(Content)
        .mapToPk()
        .fieldName('content_id')
        .primary()
        .updateRule('no action')
        .deleteRule('cascade'),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
  },
})
export type ContentLike = InferEntity<typeof ContentLike>
