import { money } from '#money'
import { PaymentLink, paymentLinkStatuses, rateModes } from '#payments'
import { defineResource } from '#platform/resource/define-resource'
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

/** Payment links of the caller's organisation, newest first; a member sees its own. */
export const paymentLinks = defineResource({
  name: 'payment-links',
  entity: PaymentLink,
  scope: 'payment-links:read',
  visibility: { organisation: 'organisationId', member: 'memberId' },
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
  filters: { status: 'oneOf', currency: 'oneOf', reference: 'equals', createdAt: 'range' },
  sorts: ['-createdAt', 'createdAt'],
  page: { limitDefault: 20, limitMax: 100 },
  legacyPath: 'payment-links',
})
