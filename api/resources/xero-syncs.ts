import { XeroSync, xeroSyncKinds, xeroSyncStatuses } from '#payments'
import { defineResource } from '#platform/resource/define-resource'
import { decimal, instant, integer, nullable, oneOf, text, uuid } from '#platform/resource/fields'
import { paymentLinks } from './payment-links.ts'

/** What a document on its way to the accounting system shows, below its link and in the accountant's list. */
export const xeroSyncFields = {
  id: uuid('id'),
  paymentLinkId: nullable(uuid('paymentLinkId')),
  kind: oneOf('kind', xeroSyncKinds),
  status: oneOf('status', xeroSyncStatuses),
  xeroId: nullable(text('xeroId')),
  attempts: integer('attempts'),
  nextAttemptAt: nullable(instant('nextAttemptAt')),
  currencyRate: nullable(decimal('currencyRate')),
  error: nullable(text('error')),
  createdAt: instant('createdAt'),
} as const

/** How the documents of a payment link fare on their way to the accounting system, newest first. */
export const xeroSyncs = defineResource({
  name: 'xero-syncs',
  noun: 'sync',
  entity: XeroSync,
  scope: 'accounting:read',
  visibility: { organisation: 'organisationId' },
  cache: 'short',
  parent: { resource: () => paymentLinks, column: 'paymentLinkId' },
  operations: 'list',
  fields: xeroSyncFields,
  hidden: ['organisationId', 'requestHash'],
  sorts: ['-createdAt', 'createdAt'],
  page: { limitDefault: 20, limitMax: 100 },
})
