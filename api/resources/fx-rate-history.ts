import { FxRate } from '#fx'
import { defineResource } from '#platform/resource/define-resource'
import { decimal, instant, sequence, text } from '#platform/resource/fields'

/** Rates exactly as their publishers gave them, newest first; quarantined ones are left out. */
export const fxRateHistory = defineResource({
  name: 'fx/rates/history',
  noun: 'rate',
  entity: FxRate,
  scope: 'fx:read',
  visibility: 'public',
  cache: 'long',
  operations: 'list',
  fields: {
    id: sequence('id'),
    provider: text('provider'),
    base: text('baseAsset'),
    quote: text('quoteAsset'),
    rate: decimal('rate'),
    asOf: instant('asOf'),
    fetchedAt: instant('fetchedAt'),
  },
  hidden: ['batchId', 'excluded', 'exclusionReason'],
  filters: { base: 'equals', quote: 'oneOf', provider: 'equals', asOf: 'range' },
  impersonal: ['base', 'quote', 'provider'],
  filtersRequired: ['base', 'quote'],
  only: { excluded: false },
  sorts: ['-asOf', 'asOf'],
  page: { limitDefault: 100, limitMax: 500 },
})
