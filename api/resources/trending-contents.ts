import { Content, RankedContent } from '#content'
import { defineResource, type Resource } from '#platform/resource/define-resource'
import { one } from '#platform/resource/expansion'
import { products } from './products.ts'
import { laggingColumns, rankedFields } from './top-contents.ts'

/** Published contents, those first that are new and much engaged with. */
export const trendingContents: Resource = defineResource({
  name: 'contents/trending',
  noun: 'content',
  entity: RankedContent,
  changesOf: Content,
  lagging: laggingColumns,
  scope: 'contents:read',
  visibility: { organisation: 'organisationId' },
  cache: { listSeconds: 30, itemSeconds: 30, staleSeconds: 30 },
  operations: 'list',
  only: { status: 'published' },
  boundary: { from: 'publishedAt' },
  removedAt: 'deletedAt',
  fields: rankedFields,
  hidden: ['organisationId', 'authorId', 'status', 'updatedAt', 'deletedAt', 'version'],
  filters: { id: 'equals' },
  sorts: ['-trendingScore'],
  expand: { product: one(() => products, 'productId') },
  page: { limitDefault: 20, limitMax: 100 },
})
