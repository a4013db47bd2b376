import { Organisation } from '#members'
import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { Category } from './category.ts'

/** As PostgreSQL prints it, so that the two compare equal. */
const search = `(setweight(to_tsvector('english'::regconfig, title), 'A'::"char") || setweight(to_tsvector('english'::regconfig, description), 'B'::"char"))`

export const productKinds = ['physical', 'digital', 'service', 'content'] as const

export const productStatuses = ['draft', 'active', 'archived'] as const

/** Something with a price. Storefronts show it from `publishedAt` on, while it is `active` and not deleted. */
export const Product = defineEntity({
  name: 'Product',
  tableName: 'products',
  properties: {
    id: p.uuid().primary().defaultRaw('uuid_v7()'),
    organisationId: () => p.manyToOne(Organisation).mapToPk().fieldName('organisation_id'),
    categoryId: () => p.manyToOne(Category).mapToPk().fieldName('category_id'),
    sku: p.text().collation('C'),
    slug: p.text().collation('C'),
    title: p.text().collation('C'),
    description: p.text().default(''),
    kind: p.enum(productKinds),
    status: p.enum(productStatuses).collation('C'),
    /** It is not shown before. */
    publishedAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
    /** Words of the title (weight A) and of the description (weight B), in English; PostgreSQL writes it. */
    search: p.string().columnType('tsvector').generated(`(${search}) stored`).lazy(),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
    updatedAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
    deletedAt: p.datetime().columnType('timestamptz').nullable(),
    version: p.integer().version().default(1),
  },
})
export type Product = InferEntity<typeof Product>
