import { ContentTag } from '#content'
import { defineResource, type Resource } from '#platform/resource/define-resource'
import { one } from '#platform/resource/expansion'
import { instant, uuid } from '#platform/resource/fields'
import { contents } from './contents.ts'
import { tags } from './tags.ts'

/** The contents of a tag that readers find, newest first. */
export const tagContents: Resource = defineResource({
  name: 'contents',
  noun: 'content',
  entity: ContentTag,
  scope: 'contents:read',
  visibility: { organisation: 'organisationId' },
  cache: 'medium',
  parent: { resource: () => tags, column: 'tagId' },
  operations: 'list',
  only: { isListed: true },
  boundary: { from: 'publishedAt' },
  fields: { contentId: uuid('contentId'), publishedAt: instant('publishedAt') },
  hidden: ['organisationId', 'tagId', 'isListed'],
  sorts: ['-publishedAt', 'publishedAt'],
  expand: { content: one(() => contents, 'contentId') },
  page: { limitDefault: 20, limitMax: 100 },
})
