import { Product } from '#catalogue'
import { defineResource } from '#platform/resource/define-resource'
import { one } from '#platform/resource/expansion'
import { categories } from './categories.ts'
import { productFields } from './products.ts'

/** Products of a storefront that answer `q`, the best first: words in any of their forms, also mistyped ones. */
export const productSearch = defineResource({
  name: 'products/search',
  noun: 'product',
  entity: Product,
  scope: 'catalogue:read',
  visibility: { organisation: 'organisationId' },
  cache: { listSeconds: 600, itemSeconds: 600, staleSeconds: 300 },
  operations: 'list',
  only: { status: 'active' },
  boundary: { from: 'publishedAt' },
  removedAt: 'deletedAt',
  fields: productFields,
  hidden: ['organisationId', 'status', 'search', 'createdAt', 'deletedAt'],
  filters: { categoryId: 'equals' },
  impersonal: ['q'],
  search: { vector: 'search', similar: 'title' },
  filtersRequired: ['q'],
  sorts: ['-relevance', '-publishedAt', 'title'],
  expand: { category: one(() => categories, 'categoryId') },
  page: { limitDefault: 20, limitMax: 100 },
})
