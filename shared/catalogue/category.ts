import { Organisation } from '#members'
import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

/** A place in the tree of what is sold. Siblings have different slugs, so a path names one category. */
export const Category = defineEntity({
  name: 'Category',
  tableName: 'categories',
  properties: {
    id: p.uuid().primary().defaultRaw('uuid_v7()'),
    organisationId: () => p.manyToOne(Organisation).mapToPk().fieldName('organisation_id'),
    parentId: () =>
      p.manyToOne(Category).mapToPk().fieldName('parent_id').nullable().deleteRule('no action'),
    slug: p.text().collation('C'),
    name: p.text(),
    /** The slugs from the root joined by `/`. */
    path: p.text().collation('C'),
    /** 0 for a root. */
    depth: p.smallint(),
  },
})
export type Category = InferEntity<typeof Category>
