import { ContentTag } from '#content'
import { defineResource, type Resource } from '#platform/resource/define-resource'
import { one } from '#platform/resource/expansion'
import { uuid } from '#platform/resource/fields'
import { contents } from './contents.ts'
import { tags } from './tags.ts'

/** What a content is about. */
export const contentTags: Resource = defineResource({
  name: 'tags',
  noun: 'tag',
  entity: ContentTag,
  scope: 'contents:read',
  visibility: { organisation: 'organisationId' },
  cache: 'medium',
  parent: { resource: () => contents, column: 'contentId' },
  operations: 'list',
  fields: { tagId: uuid('tagId') },
  hidden: ['organisationId', 'contentId', 'isListed', 'publishedAt'],
  sorts: ['tagId'],
  expand: { tag: one(() => tags, 'tagId') },
  page: { limitDefault: 20, limitMax: 100 },
})
