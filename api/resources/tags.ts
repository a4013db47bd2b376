import { Tag } from '#content'
import { defineResource, type Resource } from '#platform/resource/define-resource'
import { many } from '#platform/resource/expansion'
import { instant, text, uuid } from '#platform/resource/fields'
import { tagContents } from './tag-contents.ts'

/** What contents are about, by name. */
export const tags: Resource = defineResource({
  name: 'tags',
  noun: 'tag',
  entity: Tag,
  scope: 'contents:read',
  visibility: { organisation: 'organisationId' },
  cache: 'medium',
  fields: { id: uuid('id'), name: text('name'), createdAt: instant('createdAt') },
  hidden: ['organisationId'],
  filters: { name: 'prefix' },
  sorts: ['name', '-name'],
  expand: { contents: many(() => tagContents, 20) },
  page: { limitDefault: 50, limitMax: 200 },
})
