import { Organisation } from '#members'
import { Asset } from '#money'
import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { PaymentLink } from './payment-link.ts'

/** Something that happened to a payment link. Append-only: the database refuses to change or remove it. */
export const PaymentEvent = defineEntity({
  name: 'PaymentEvent',
  tableName: 'payment_events',
  properties: {
    id: p.bigint('string').primary().generated('identity'),
    organisationId: () => p.manyToOne(Organisation).mapToPk().fieldName('organisation_id'),
    paymentLinkId: () => p.manyToOne(PaymentLink).mapToPk().fieldName('payment_link_id'),
    type: p.text().collation('C'),
    provider: p.text().collation('C').nullable(),
    providerEventId: p.text().collation('C').nullable(),
    asset: () => p.manyToOne(Asset).mapToPk().fieldName('asset').nullable().deleteRule('no action'),
    amountMinor: p.bigint('number').nullable(),
    payload: p.json<Readonly<Record<string, unknown>>>().defaultRaw(`'{}'`),
    occurredAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
  },
})
export type PaymentEvent = InferEntity<typeof PaymentEvent>
