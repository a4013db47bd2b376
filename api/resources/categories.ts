import { Category } from '#catalogue'
import { defineResource, type Resource } from '#platform/resource/define-resource'
import { one } from '#platform/resource/expansion'
import { integer, nullable, smallintMax, text, uuid } from '#platform/resource/fields'

/** The tree of what is sold, in the order of its paths: `depth=0` gives the roots, `parentId` what is right below one,
 *  `pathPrefix=toys/` everything below it. */
export const categories: Resource = defineResource({
  name: 'categories',
  noun: 'category',
  entity: Category,
  scope: 'catalogue:read',
  visibility: { organisation: 'organisationId' },
  cache: 'long',
  warm: { list: true },
  fields: {
    id: uuid('id'),
    parentId: nullable(uuid('parentId')),
    slug: text('slug'),
    name: text('name'),
    path: text('path'),
    depth: integer('depth', smallintMax),
  },
  hidden: ['organisationId'],
  filters: { parentId: 'equals', slug: 'equals', path: 'prefix', depth: 'equals' },
  impersonal: ['slug', 'path'],
  sorts: ['path', '-path'],
  expand: { parent: one(() => categories, 'parentId') },
  page: { limitDefault: 100, limitMax: 500 },
})
