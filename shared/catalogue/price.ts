import { Organisation } from '#members'
import { Asset } from '#money'
import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { Product } from './product.ts'

/** What a product costs in one currency, from `validFrom` until before `validTo`; never two at the same instant. */
export const Price = defineEntity({
  name: 'Price',
  tableName: 'prices',
  properties: {
    id: p.uuid().primary().defaultRaw('uuid_v7()'),
    organisationId: () => p.manyToOne(Organisation).mapToPk().fieldName('organisation_id'),
    productId: () => p.manyToOne(Product).mapToPk().fieldName('product_id'),
    currency: () => p.manyToOne(Asset).mapToPk().fieldName('currency'),
    /** Minor units of `currency`, at most 2^53 - 1. */
    amountMinor: p.bigint('number'),
    /** The higher price that it is compared with, in minor units too. */
    compareAtMinor: p.bigint('number').nullable(),
    taxInclusive: p.boolean(),
    validFrom: p.datetime().columnType('timestamptz'),
    /** Null: until further notice. */
    validTo: p.datetime().columnType('timestamptz').nullable(),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
  },
})
export type Price = InferEntity<typeof Price>
