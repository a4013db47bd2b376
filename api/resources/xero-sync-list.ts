import { XeroSync } from '#payments'
import { defineResource } from '#platform/resource/define-resource'
import { one } from '#platform/resource/expansion'
import { paymentLinks } from './payment-links.ts'
import { xeroSyncFields } from './xero-syncs.ts'

/** The accountant's list: every document on its way to the accounting system, newest first. */
export const xeroSyncList = defineResource({
  name: 'accounting/xero/syncs',
  noun: 'sync',
  entity: XeroSync,
  scope: 'accounting:read',
  visibility: { organisation: 'organisationId' },
  cache: 'short',
  fields: xeroSyncFields,
  hidden: ['organisationId', 'requestHash'],
  filters: { createdAt: 'range' },
  sorts: ['-createdAt', 'createdAt'],
  expand: { paymentLink: one(() => paymentLinks, 'paymentLinkId') },
  page: { limitDefault: 20, limitMax: 100 },
})
