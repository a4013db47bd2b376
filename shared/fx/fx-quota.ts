import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

export const quotaPeriods = ['day', 'month'] as const

/** Requests that were sent to a provider in one period, retries included, by all processes together. */
export const FxQuota = defineEntity({
  name: 'FxQuota',
  tableName: 'fx_quotas',
  properties: {
    provider: p.text().collation('C').primary(),
    period: p.enum(quotaPeriods).primary(),
    /** The first UTC day of the period. */
    startsOn: p.date().primary(),
    calls: p.integer(),
  },
})
export type FxQuota = InferEntity<typeof FxQuota>
