import { money } from '#money'
import { PaymentEvent } from '#payments'
import { defineResource, type Resource } from '#platform/resource/define-resource'
import { one } from '#platform/resource/expansion'
import { instant, nullable, object, sequence, text, uuid } from '#platform/resource/fields'
import { paymentLinks } from './payment-links.ts'

/** Everything that happened to the links of an organisation, newest first: for feeds and exports. Events do not know the
 *  member of their link, so the scope is one that no member's token has. */
export const paymentEventFeed: Resource = defineResource({
  name: 'payment-events',
  noun: 'event',
  entity: PaymentEvent,
  scope: 'organisation:read',
  visibility: { organisation: 'organisationId' },
  cache: 'short',
  operations: 'list',
  fields: {
    id: sequence('id'),
    paymentLinkId: uuid('paymentLinkId'),
    type: text('type'),
    provider: nullable(text('provider')),
    amount: nullable(money('amountMinor', 'asset')),
    payload: object('payload'),
    occurredAt: instant('occurredAt'),
    createdAt: instant('createdAt'),
  },
  hidden: ['organisationId', 'providerEventId'],
  filters: { createdAt: 'range' },
  sorts: ['-createdAt', 'createdAt'],
  expand: { paymentLink: one(() => paymentLinks, 'paymentLinkId') },
  page: { limitDefault: 50, limitMax: 100 },
})
