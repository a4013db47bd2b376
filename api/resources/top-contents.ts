import { Content, RankedContent } from '#content'
import { defineResource, type Resource } from '#platform/resource/define-resource'
import { one } from '#platform/resource/expansion'
import { double, instant, nullable, sequence, text, uuid } from '#platform/resource/fields'
import { products } from './products.ts'

/** Declares a ranking of the published contents, which shows their counters and scores. Those may be as old as the answer. */
export const defineRanking = (
  name: string,
  sort: '-engagementScore' | '-trendingScore',
): Resource =>
  defineResource({
    name,
    noun: 'content',
    entity: RankedContent,
    changesOf: Content,
    lagging: [
      'viewCount',
      'likeCount',
      'shareCount',
      'commentCount',
      'purchaseCount',
      'engagementScore',
      'trendingScore',
      'scoreUpdatedAt',
    ],
    scope: 'contents:read',
    visibility: { organisation: 'organisationId' },
    cache: { listSeconds: 30, itemSeconds: 30, staleSeconds: 30 },
    operations: 'list',
    only: { status: 'published' },
    boundary: { from: 'publishedAt' },
    removedAt: 'deletedAt',
    fields: {
      id: uuid('id'),
      productId: nullable(uuid('productId')),
      slug: text('slug'),
      title: text('title'),
      summary: text('summary'),
      publishedAt: instant('publishedAt'),
      viewCount: sequence('viewCount'),
      likeCount: sequence('likeCount'),
      shareCount: sequence('shareCount'),
      commentCount: sequence('commentCount'),
      purchaseCount: sequence('purchaseCount'),
      engagementScore: double('engagementScore'),
      trendingScore: double('trendingScore'),
      scoreUpdatedAt: nullable(instant('scoreUpdatedAt')),
    },
    hidden: ['organisationId', 'authorId', 'status', 'updatedAt', 'deletedAt', 'version'],
    filters: { id: 'equals' },
    sorts: [sort],
    expand: { product: one(() => products, 'productId') },
    page: { limitDefault: 20, limitMax: 100 },
  })

/** Published contents, those with the best engagement score first. */
export const topContents = defineRanking('contents/top', '-engagementScore')
