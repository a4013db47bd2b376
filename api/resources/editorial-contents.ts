import { Content, contentStatuses } from '#content'
import { defineResource, type Resource } from '#platform/resource/define-resource'
import { one } from '#platform/resource/expansion'
import { instant, integer, nullable, oneOf, text, uuid } from '#platform/resource/fields'
import { members } from './members.ts'

/** What editors work on: contents of every status, the last changed first. */
export const editorialContents: Resource = defineResource({
  name: 'editorial/contents',
  noun: 'content',
  entity: Content,
  scope: 'contents:write',
  visibility: { organisation: 'organisationId' },
  cache: 'short',
  removedAt: 'deletedAt',
  fields: {
    id: uuid('id'),
    authorId: nullable(uuid('authorId')),
    productId: nullable(uuid('productId')),
    slug: text('slug'),
    title: text('title'),
    summary: text('summary'),
    body: text('body'),
    status: oneOf('status', contentStatuses),
    publishedAt: instant('publishedAt'),
    createdAt: instant('createdAt'),
    updatedAt: instant('updatedAt'),
    version: integer('version'),
  },
  hidden: ['organisationId', 'deletedAt'],
  filters: { status: 'oneOf', slug: 'equals' },
  sorts: ['-updatedAt', 'updatedAt'],
  expand: { author: one(() => members, 'authorId') },
  page: { limitDefault: 20, limitMax: 100 },
})
