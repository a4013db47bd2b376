import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { contentStatuses } from './content.ts'

/** A content with its counters and scores: a view, to be read only. */
export const RankedContent = defineEntity({
  name: 'RankedContent',
  tableName: 'ranked_contents',
  view: true,
  expression: 'select * from ranked_contents',
  properties: {
    id: p.uuid().primary(),
    organisationId: p.uuid(),
    authorId: p.uuid().nullable(),
    productId: p.uuid().nullable(),
    slug: p.text().collation('C'),
    title: p.text(),
    summary: p.text(),
    status: p.enum(contentStatuses).collation('C'),
    publishedAt: p.datetime().columnType('timestamptz'),
    updatedAt: p.datetime().columnType('timestamptz'),
    deletedAt: p.datetime().columnType('timestamptz').nullable(),
    version: p.integer(),
    viewCount: p.bigint('string'),
    likeCount: p.bigint('string'),
    shareCount: p.bigint('string'),
    commentCount: p.bigint('string'),
    purchaseCount: p.bigint('string'),
    engagementScore: p.double(),
    trendingScore: p.double(),
    scoreUpdatedAt: p.datetime().columnType('timestamptz').nullable(),
  },
})
export type RankedContent = InferEntity<typeof RankedContent>
