import { money } from '#money'
import { FxSnapshot, snapshotTypes } from '#fx'
import { defineResource } from '#platform/resource/define-resource'
import {
  decimal,
  flag,
  instant,
  integer,
  nullable,
  oneOf,
  text,
  uuid,
} from '#platform/resource/fields'
import { paymentLinks } from './payment-links.ts'

/** The rates that were frozen with a payment link, newest set first: four at its creation, four at every requote. */
export const fxSnapshots = defineResource({
  name: 'fx-snapshots',
  noun: 'frozen rate',
  entity: FxSnapshot,
  scope: 'payment-links:read',
  visibility: { organisation: 'organisationId' },
  cache: 'long',
  parent: { resource: () => paymentLinks, column: 'paymentLinkId' },
  operations: 'list',
  fields: {
    id: uuid('id'),
    setId: uuid('setId'),
    type: oneOf('snapshotType', snapshotTypes),
    currency: text('currency'),
    asset: text('asset'),
    rate: decimal('rate'),
    amount: nullable(money('amountMinor', 'asset')),
    legBase: text('legBase'),
    currencyLeg: decimal('currencyLeg'),
    assetLeg: decimal('assetLeg'),
    provider: text('provider'),
    asOf: instant('asOf'),
    stalenessSeconds: integer('stalenessSeconds'),
    isStale: flag('isStale'),
    roundingRule: text('roundingRule'),
    capturedAt: instant('capturedAt'),
    lockExpiresAt: nullable(instant('lockExpiresAt')),
  },
  hidden: ['organisationId', 'paymentLinkId', 'batchId', 'hash'],
  filters: { setId: 'equals', type: 'oneOf', asset: 'oneOf' },
  impersonal: ['asset'],
  sorts: ['-capturedAt', 'capturedAt'],
  page: { limitDefault: 20, limitMax: 100 },
})
