import { Member } from '#members'
import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { Content } from './content.ts'

export const interactionTypes = ['view', 'like', 'unlike', 'share', 'comment', 'purchase'] as const

export type InteractionType = (typeof interactionTypes)[number]

/** Something that a member did with a content. A log, in partitions by month: rows are never changed. Its key in the
 *  database is `(id, createdAt)`, as partitions want it; the identity alone names the row. */
export const Interaction = defineEntity({
  name: 'Interaction',
  tableName: 'interactions',
  properties: {
    id: p.bigint('string').primary().generated('identity'),
    organisationId: p.uuid(),
    memberId: () => p.manyToOne(Member).mapToPk().fieldName('member_id'),
    contentId: () => p.manyToOne(Content).mapToPk().fieldName('content_id'),
    type: p.enum(interactionTypes).collation('C'),
    /** False for what the same member did already in the same hour: it is kept, and counts for nothing. */
    isCounted: p.boolean().default(true),
    /** What was said, of a comment. */
    comment: p.text().nullable(),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
  },
})
export type Interaction = InferEntity<typeof Interaction>
