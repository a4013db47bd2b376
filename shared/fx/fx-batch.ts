import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

export const fxBatchStatuses = ['stored', 'rejected', 'failed'] as const
export type FxBatchStatus = (typeof fxBatchStatuses)[number]

/** What was asked for: the newest rates, or those of the past. */
export const fxBatchPurposes = ['latest', 'history'] as const
export type FxBatchPurpose = (typeof fxBatchPurposes)[number]

/** The states of a circuit breaker, as they are stored. */
const breakerStates = ['CLOSED', 'OPEN', 'HALF_OPEN'] as const

/** One attempt to take a provider's rates over, successful or not. */
export const FxBatch = defineEntity({
  name: 'FxBatch',
  tableName: 'fx_batches',
  properties: {
    id: p.uuid().primary().defaultRaw('uuid_v7()'),
    provider: p.text().collation('C'),
    purpose: p.enum(fxBatchPurposes).default('latest'),
    /** The one asset that was asked for; null: all that the provider has. */
    onlyAsset: p.string().length(10).collation('C').nullable(),
    status: p.enum(fxBatchStatuses),
    startedAt: p.datetime().columnType('timestamptz'),
    finishedAt: p.datetime().columnType('timestamptz'),
    httpCalls: p.integer(),
    latencyMs: p.integer(),
    ratesStored: p.integer().default(0),
    ratesExcluded: p.integer().default(0),
    error: p.text().nullable(),
    /** Nobody asks before: the provider wants a pause, or the circuit is open. */
    retryAt: p.datetime().columnType('timestamptz').nullable(),
    /** Of the process that asked, afterwards. */
    breakerState: p.enum(breakerStates).nullable(),
  },
})
export type FxBatch = InferEntity<typeof FxBatch>
