import { money } from '#money'
import { PaymentEvent } from '#payments'
import { defineResource } from '#platform/resource/define-resource'
import { instant, nullable, object, sequence, text } from '#platform/resource/fields'
import { paymentLinks } from './payment-links.ts'

/** The timeline of a payment link, newest first. */
export const paymentEvents = defineResource({
  name: 'events',
  noun: 'event',
  entity: PaymentEvent,
  scope: 'payment-links:read',
  visibility: { organisation: 'organisationId' },
  cache: 'medium',
  parent: { resource: () => paymentLinks, column: 'paymentLinkId' },
  operations: 'list',
  fields: {
    id: sequence('id'),
    type: text('type'),
    provider: nullable(text('provider')),
    amount: nullable(money('amountMinor', 'asset')),
    payload: object('payload'),
    occurredAt: instant('occurredAt'),
    createdAt: instant('createdAt'),
  },
  hidden: ['organisationId', 'paymentLinkId', 'providerEventId'],
  sorts: ['-createdAt', 'createdAt'],
  page: { limitDefault: 50, limitMax: 100 },
})
