import { Organisation } from '#members'
import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { PaymentLink } from './payment-link.ts'

/** One line of a payment link; amounts are minor units of the link's currency. */
export const PaymentLinkItem = defineEntity({
  name: 'PaymentLinkItem',
  tableName: 'payment_link_items',
  properties: {
    id: p.bigint('string').primary().generated('identity'),
    organisationId: () => p.manyToOne(Organisation).mapToPk().fieldName('organisation_id'),
    paymentLinkId: () => p.manyToOne(PaymentLink).mapToPk().fieldName('payment_link_id'),
    position: p.smallint(),
    name: p.text(),
    quantity: p.integer(),
    unitAmountMinor: p.bigint('number'),
  },
})
export type PaymentLinkItem = InferEntity<typeof PaymentLinkItem>
