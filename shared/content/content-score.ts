import { Organisation } from '#members'
import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { Content } from './content.ts'

/** What the interactions with a content add up to, and how it ranks by that. There from the content's first moment; only the
 *  scoring writes it, so whoever changes a content waits for none of this. */
export const ContentScore = defineEntity({
  name: 'ContentScore',
  tableName: 'content_scores',
  properties: {
    contentId: () =>
      p
        .manyToOne(Content)
        .mapToPk()
        .fieldName('content_id')
        .primary()
        .updateRule('no action')
        .deleteRule('cascade'),
    organisationId: () => p.manyToOne(Organisation).mapToPk().fieldName('organisation_id'),
    viewCount: p.bigint('string').defaultRaw('0'),
    /** Members who like it now. */
    likeCount: p.bigint('string').defaultRaw('0'),
    shareCount: p.bigint('string').defaultRaw('0'),
    commentCount: p.bigint('string').defaultRaw('0'),
    purchaseCount: p.bigint('string').defaultRaw('0'),
    /** From 0 to below 1; halved with every half-life since the content was published. */
    engagementScore: p.double().default(0),
    /** By Hacker News's rule: what is new and much engaged with. No upper bound. */
    trendingScore: p.double().default(0),
    /** When the two were worked out, and as of when; absent before the first time. */
    scoreUpdatedAt: p.datetime().columnType('timestamptz').nullable(),
    /** Whether a counter has changed since. */
    isDue: p.boolean().default(false),
  },
})
export type ContentScore = InferEntity<typeof ContentScore>
