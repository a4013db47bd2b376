import { Organisation } from '#members'
import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { PaymentLink } from './payment-link.ts'

export const xeroSyncKinds = ['invoice', 'payment', 'credit_note', 'journal'] as const

export const xeroSyncStatuses = ['pending', 'in_flight', 'synced', 'failed', 'skipped'] as const

/** One document on its way to the accounting system, with the rate it is booked at. */
export const XeroSync = defineEntity({
  name: 'XeroSync',
  tableName: 'xero_syncs',
  properties: {
    id: p.uuid().primary().defaultRaw('uuid_v7()'),
    organisationId: () => p.manyToOne(Organisation).mapToPk().fieldName('organisation_id'),
    paymentLinkId: () =>
      p
        .manyToOne(PaymentLink)
        .mapToPk()
        .fieldName('payment_link_id')
        .nullable()
        .deleteRule('no action'),
    kind: p.enum(xeroSyncKinds),
    xeroId: p.text().nullable(),
    status: p.enum(xeroSyncStatuses),
    attempts: p.integer().default(0),
    nextAttemptAt: p.datetime().columnType('timestamptz').nullable(),
    currencyRate: p.decimal().precision(24).scale(12).nullable(),
    requestHash: p.blob().nullable(),
    error: p.text().nullable(),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
  },
})
export type XeroSync = InferEntity<typeof XeroSync>
