import { money } from '#money'
import { PaymentLink, paymentLinkStatuses, rateModes } from '#payments'
import { defineResource, type Resource } from '#platform/resource/define-resource'
import { many, one } from '#platform/resource/expansion'
import {
  instant,
  integer,
  nullable,
  object,
  oneOf,
  text,
  texts,
  uuid,
} from '#platform/resource/fields'
import { fxSnapshots } from './fx-snapshots.ts'
import { members } from './members.ts'
import { ledgerEntries } from './ledger-entries.ts'
import { paymentEvents } from './payment-events.ts'
import { paymentLinkItems } from './payment-link-items.ts'
import { xeroSyncs } from './xero-syncs.ts'

/** Payment links of the caller's organisation, newest first; a member sees its own. */
export const paymentLinks: Resource = defineResource({
  name: 'payment-links',
  noun: 'payment link',
  entity: PaymentLink,
  scope: 'payment-links:read',
  visibility: { organisation: 'organisationId', member: 'memberId' },
  cache: 'short',
  warm: { list: true, members: true },
  removedAt: 'deletedAt',
  fields: {
    id: uuid('id'),
    shortCode: text('shortCode'),
    status: oneOf('status', paymentLinkStatuses),
    amount: nullable(money('amountMinor', 'currency')),
    currency: text('currency'),
    description: text('description'),
    reference: nullable(text('externalReference')),
    memberId: nullable(uuid('memberId')),
    rateMode: oneOf('rateMode', rateModes),
    rateLockSeconds: nullable(integer('rateLockSeconds')),
    acceptedAssets: texts('acceptedAssets'),
    completionsMax: nullable(integer('completionsMax')),
    completionsCount: integer('completionsCount'),
    expiresAt: nullable(instant('expiresAt')),
    successUrl: nullable(text('successUrl')),
    inactiveMessage: nullable(text('inactiveMessage')),
    metadata: object('metadata'),
    fxSetId: uuid('fxSetId'),
    createdAt: instant('createdAt'),
    updatedAt: instant('updatedAt'),
    version: integer('version'),
  },
  hidden: ['organisationId', 'createdBy', 'deletedAt'],
  filters: { status: 'oneOf', currency: 'oneOf', reference: 'equals', createdAt: 'range' },
  impersonal: ['currency'],
  sorts: ['-createdAt', 'createdAt'],
  expand: {
    member: one(() => members, 'memberId'),
    items: many(() => paymentLinkItems, 100),
    events: many(() => paymentEvents, 20),
    fxSnapshots: many(() => fxSnapshots, 8),
    ledgerEntries: many(() => ledgerEntries, 20),
    xeroSyncs: many(() => xeroSyncs, 10),
  },
  page: { limitDefault: 20, limitMax: 100 },
  legacyPath: 'payment-links',
})
