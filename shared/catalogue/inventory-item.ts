import { Organisation } from '#members'
import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { Product } from './product.ts'

/** How many units of a product lie in one place; `reserved` of the `onHand` are promised already. */
export const InventoryItem = defineEntity({
  name: 'InventoryItem',
  tableName: 'inventory_items',
  properties: {
    id: p.uuid().primary().defaultRaw('uuid_v7()'),
    organisationId: () => p.manyToOne(Organisation).mapToPk().fieldName('organisation_id'),
    productId: () => p.manyToOne(Product).mapToPk().fieldName('product_id'),
    location: p.text().collation('C'),
    onHand: p.integer(),
    reserved: p.integer().default(0),
    /** Stock is low when no more than these are free; null: nobody wants to be told. */
    lowStockThreshold: p.integer().nullable(),
    updatedAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
  },
})
export type InventoryItem = InferEntity<typeof InventoryItem>
