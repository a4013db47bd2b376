import { ApiKey, Member, Organisation } from '#members'
import { Asset } from '#money'
import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

export const paymentLinkStatuses = [
  'draft',
  'open',
  'paid',
  'partially_paid',
  'expired',
  'cancelled',
] as const

export type PaymentLinkStatus = (typeof paymentLinkStatuses)[number]

export const rateModes = ['locked', 'floating'] as const

/** A request for payment that is sent out as a URL. Its four frozen rates are the snapshots of `fxSetId`. */
export const PaymentLink = defineEntity({
  name: 'PaymentLink',
  tableName: 'payment_links',
  properties: {
    id: p.uuid().primary().defaultRaw('uuid_v7()'),
    organisationId: () => p.manyToOne(Organisation).mapToPk().fieldName('organisation_id'),
    memberId: () =>
      p.manyToOne(Member).mapToPk().fieldName('member_id').nullable().deleteRule('no action'),
    shortCode: p.string().length(12).collation('C'),
    status: p.enum(paymentLinkStatuses).collation('C'),
    /** Minor units of `currency`, at most 2^53 - 1; null: the payer decides. */
    amountMinor: p.bigint('number').nullable(),
    currency: () => p.manyToOne(Asset).mapToPk().fieldName('currency'),
    description: p.text().default(''),
    externalReference: p.text().collation('C').nullable(),
    rateMode: p.enum(rateModes).default('locked'),
    rateLockSeconds: p.integer().nullable(),
    acceptedAssets: p.array(),
    completionsMax: p.integer().nullable(),
    completionsCount: p.integer().default(0),
    expiresAt: p.datetime().columnType('timestamptz').nullable(),
    successUrl: p.text().nullable(),
    inactiveMessage: p.text().nullable(),
    metadata: p.json<Readonly<Record<string, unknown>>>().defaultRaw(`'{}'`),
    fxSetId: p.uuid(),
    createdBy: () =>
      p.manyToOne(ApiKey).mapToPk().fieldName('created_by').nullable().deleteRule('no action'),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
    updatedAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
    deletedAt: p.datetime().columnType('timestamptz').nullable(),
    version: p.integer().version().default(1),
  },
})
export type PaymentLink = InferEntity<typeof PaymentLink>
