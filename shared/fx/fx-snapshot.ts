import { Asset } from '#money'
import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { FxBatch } from './fx-batch.ts'

export const snapshotTypes = ['creation', 'requote', 'settlement', 'refund'] as const

export type SnapshotType = (typeof snapshotTypes)[number]

/** One frozen rate of a payment link: units of `asset` for one unit of `currency`. Append-only, four to a set.
 *  Its link and organisation are plain ids here, since fx may not know those domains; the unit of work therefore cannot
 *  order them, so the link must be flushed before its snapshots are written. */
export const FxSnapshot = defineEntity({
  name: 'FxSnapshot',
  tableName: 'fx_snapshots',
  properties: {
    id: p.uuid().primary().defaultRaw('uuid_v7()'),
    setId: p.uuid(),
    organisationId: p.uuid(),
    paymentLinkId: p.uuid(),
    snapshotType: p.enum(snapshotTypes).collation('C'),
    currency: () => p.manyToOne(Asset).mapToPk().fieldName('currency'),
    asset: () => p.manyToOne(Asset).mapToPk().fieldName('asset'),
    /** assetLeg / currencyLeg, half to even at 12 decimals. */
    rate: p.decimal().precision(24).scale(12),
    legBase: () => p.manyToOne(Asset).mapToPk().fieldName('leg_base'),
    currencyLeg: p.decimal().columnType('numeric'),
    assetLeg: p.decimal().columnType('numeric'),
    amountMinor: p.bigint('number').nullable(),
    provider: p.text().collation('C'),
    batchId: () => p.manyToOne(FxBatch).mapToPk().fieldName('batch_id'),
    asOf: p.datetime().columnType('timestamptz'),
    stalenessSeconds: p.integer(),
    isStale: p.boolean(),
    roundingRule: p.enum(['half-even'] as const).default('half-even'),
    capturedAt: p.datetime().columnType('timestamptz'),
    lockExpiresAt: p.datetime().columnType('timestamptz').nullable(),
    hash: p.blob(),
  },
})
export type FxSnapshot = InferEntity<typeof FxSnapshot>
