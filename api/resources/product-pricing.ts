import { Price } from '#catalogue'
import { money } from '#money'
import { defineResource, type Resource } from '#platform/resource/define-resource'
import { flag, instant, nullable, text, uuid } from '#platform/resource/fields'
import { products } from './products.ts'

/** What a product costs now: one price at most in each currency. */
export const productPricing: Resource = defineResource({
  name: 'pricing',
  noun: 'price',
  entity: Price,
  scope: 'catalogue:read',
  visibility: { organisation: 'organisationId' },
  cache: 'medium',
  boundary: { from: 'validFrom', until: 'validTo' },
  parent: { resource: () => products, column: 'productId' },
  operations: 'list',
  fields: {
    id: uuid('id'),
    currency: text('currency'),
    amount: money('amountMinor', 'currency'),
    compareAt: nullable(money('compareAtMinor', 'currency')),
    taxInclusive: flag('taxInclusive'),
    validFrom: instant('validFrom'),
    validTo: nullable(instant('validTo')),
  },
  hidden: ['organisationId', 'productId', 'createdAt'],
  filters: { currency: 'oneOf' },
  impersonal: ['currency'],
  sorts: ['currency', '-currency'],
  page: { limitDefault: 50, limitMax: 200 },
})
