import { PaymentLinkItem } from '#payments'
import { defineResource } from '#platform/resource/define-resource'
import { integer, sequence, text } from '#platform/resource/fields'
import { paymentLinks } from './payment-links.ts'

/** What a payment link is for, in the order of its lines; amounts are minor units of the link's currency. */
export const paymentLinkItems = defineResource({
  name: 'items',
  noun: 'item',
  entity: PaymentLinkItem,
  scope: 'payment-links:read',
  visibility: { organisation: 'organisationId' },
  cache: 'medium',
  parent: { resource: () => paymentLinks, column: 'paymentLinkId' },
  operations: 'list',
  fields: {
    id: sequence('id'),
    position: integer('position'),
    name: text('name'),
    quantity: integer('quantity'),
    unitAmount: integer('unitAmountMinor'),
  },
  hidden: ['organisationId', 'paymentLinkId'],
  sorts: ['id'],
  page: { limitDefault: 100, limitMax: 100 },
})
