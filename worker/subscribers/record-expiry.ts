import { recordActivity } from '#members'
import { defineSubscriber } from '#platform/outbox/subscriber'

/** Puts into the log of what was done what the product has done by itself: no request stands behind it that would have. */
export const recordExpiry = defineSubscriber({
  name: 'record-expiry',
  topics: ['payment-link.expired'],
  queue: 'events',
  attemptsMax: 5,
  backoffMs: 2000,
  timeoutMs: 30_000,
  concurrency: 4,
  async handle(_slice: object, { aggregateId, organisationId }, tx) {
    if (organisationId === undefined) {
      return {}
    }
    const action = 'payment-link.expired'
    await recordActivity(tx, { caller: { organisationId }, action, subjectId: aggregateId })
    return { rows: 1 }
  },
})
