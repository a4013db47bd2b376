import { Product, productKinds } from '#catalogue'
import { defineResource, type Resource } from '#platform/resource/define-resource'
import { many, one } from '#platform/resource/expansion'
import { instant, integer, oneOf, text, uuid } from '#platform/resource/fields'
import { categories } from './categories.ts'
import { productInventory } from './product-inventory.ts'
import { productPricing } from './product-pricing.ts'

/** What a storefront shows of a product, in lists, details and searches. */
export const productFields = {
  id: uuid('id'),
  categoryId: uuid('categoryId'),
  sku: text('sku'),
  slug: text('slug'),
  title: text('title'),
  description: text('description'),
  kind: oneOf('kind', productKinds),
  publishedAt: instant('publishedAt'),
  updatedAt: instant('updatedAt'),
  version: integer('version'),
} as const

/** The products of a storefront, newest first: those that are active and published. */
export const products: Resource = defineResource({
  name: 'products',
  noun: 'product',
  entity: Product,
  scope: 'catalogue:read',
  visibility: { organisation: 'organisationId' },
  cache: { listSeconds: 900, itemSeconds: 1800, staleSeconds: 300 },
  warm: { list: true, items: 100 },
  only: { status: 'active' },
  boundary: { from: 'publishedAt' },
  removedAt: 'deletedAt',
  fields: productFields,
  hidden: ['organisationId', 'status', 'search', 'createdAt', 'deletedAt'],
  filters: { categoryId: 'equals', slug: 'equals', sku: 'equals' },
  impersonal: ['slug', 'sku'],
  sorts: ['-publishedAt', 'publishedAt', 'title', '-title'],
  expand: {
    category: one(() => categories, 'categoryId'),
    prices: many(() => productPricing, 20),
    inventory: many(() => productInventory, 20),
  },
  page: { limitDefault: 20, limitMax: 100 },
  legacyPath: 'products',
})
