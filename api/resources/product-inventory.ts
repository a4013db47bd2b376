import { InventoryItem } from '#catalogue'
import { defineResource, type Resource } from '#platform/resource/define-resource'
import { instant, integer, text, uuid } from '#platform/resource/fields'
import { products } from './products.ts'

/** How much of a product lies where; what is `reserved` of it is promised already. */
export const productInventory: Resource = defineResource({
  name: 'inventory',
  noun: 'stock',
  entity: InventoryItem,
  scope: 'catalogue:read',
  visibility: { organisation: 'organisationId' },
  cache: 'volatile',
  parent: { resource: () => products, column: 'productId' },
  operations: 'list',
  fields: {
    id: uuid('id'),
    location: text('location'),
    onHand: integer('onHand'),
    reserved: integer('reserved'),
    updatedAt: instant('updatedAt'),
  },
  hidden: ['organisationId', 'productId', 'lowStockThreshold'],
  filters: { location: 'equals' },
  impersonal: ['location'],
  sorts: ['location', '-location'],
  page: { limitDefault: 50, limitMax: 100 },
})
