import { Asset } from '#money'
import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { FxBatch } from './fx-batch.ts'

/** One published rate: units of `quoteAsset` for one unit of `baseAsset`, a decimal with every digit as published. */
export const FxRate = defineEntity({
  name: 'FxRate',
  tableName: 'fx_rates',
  properties: {
    id: p.bigint('string').primary().generated('identity'),
    batchId: () => p.manyToOne(FxBatch).mapToPk().fieldName('batch_id'),
    provider: p.text().collation('C'),
    baseAsset: () => p.manyToOne(Asset).mapToPk().fieldName('base_asset'),
    quoteAsset: () => p.manyToOne(Asset).mapToPk().fieldName('quote_asset'),
    rate: p.decimal().columnType('numeric'),
    asOf: p.datetime().columnType('timestamptz'),
    fetchedAt: p.datetime().columnType('timestamptz'),
    /** Kept for the record but never used: `exclusionReason` says why. */
    excluded: p.boolean().default(false),
    exclusionReason: p.text().nullable(),
  },
})
export type FxRate = InferEntity<typeof FxRate>
