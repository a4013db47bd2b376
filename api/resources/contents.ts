import { Content } from '#content'
import { defineResource, type Resource } from '#platform/resource/define-resource'
import { many, one } from '#platform/resource/expansion'
import { instant, integer, nullable, text, uuid } from '#platform/resource/fields'
import { contentComments } from './content-comments.ts'
import { contentTags } from './content-tags.ts'
import { members } from './members.ts'
import { products } from './products.ts'

/** What readers find: contents that are published, newest first. How they rank is `contents/top` and its like. */
export const contents: Resource = defineResource({
  name: 'contents',
  noun: 'content',
  entity: Content,
  scope: 'contents:read',
  visibility: { organisation: 'organisationId' },
  cache: { listSeconds: 900, itemSeconds: 1800, staleSeconds: 300 },
  only: { status: 'published' },
  boundary: { from: 'publishedAt' },
  removedAt: 'deletedAt',
  fields: {
    id: uuid('id'),
    authorId: nullable(uuid('authorId')),
    productId: nullable(uuid('productId')),
    slug: text('slug'),
    title: text('title'),
    summary: text('summary'),
    body: text('body'),
    publishedAt: instant('publishedAt'),
    updatedAt: instant('updatedAt'),
    version: integer('version'),
  },
  hidden: ['organisationId', 'status', 'createdAt', 'deletedAt'],
  filters: { slug: 'equals', authorId: 'equals', productId: 'equals' },
  sorts: ['-publishedAt', 'publishedAt'],
  expand: {
    author: one(() => members, 'authorId'),
    product: one(() => products, 'productId'),
    tags: many(() => contentTags, 20),
    comments: many(() => contentComments, 10),
  },
  page: { limitDefault: 20, limitMax: 100 },
  legacyPath: 'contents',
})
