import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

export const fxBatchStatuses = ['stored', 'rejected', 'failed'] as const

/** One attempt to take a provider's rates over, successful or not. */
export const FxBatch = defineEntity({
  name: 'FxBatch',
  tableName: 'fx_batches',
  properties: {
    id: p.uuid().primary().defaultRaw('uuid_v7()'),
    provider: p.text().collation('C'),
    status: p.enum(fxBatchStatuses),
    startedAt: p.datetime().columnType('timestamptz'),
    finishedAt: p.datetime().columnType('timestamptz'),
    httpCalls: p.integer(),
    latencyMs: p.integer(),
    ratesStored: p.integer().default(0),
    ratesExcluded: p.integer().default(0),
    error: p.text().nullable(),
  },
})
export type FxBatch = InferEntity<typeof FxBatch>
