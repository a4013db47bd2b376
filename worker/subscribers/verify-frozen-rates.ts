import { verifySnapshots, problems } from '#fx'
import { defineSubscriber } from '#platform/outbox/subscriber'
import { Problem } from '#platform/problem'

/** Computes again what was frozen with a link, once it is committed. What the customer was shown, what is settled and what is
 *  posted come from these rows, so one that disagrees with itself must be known before it is used. */
export const verifyFrozenRates = defineSubscriber({
  name: 'verify-frozen-rates',
  topics: ['payment-link.created', 'payment-link.requoted', 'payment-link.updated'],
  queue: 'events',
  attemptsMax: 3,
  backoffMs: 2000,
  timeoutMs: 30_000,
  concurrency: 4,
  async handle(_slice: object, { aggregateId }, tx) {
    const faults = await verifySnapshots(tx, aggregateId)
    if (faults.length > 0) {
      const said = faults.map(
        ({ setId, asset, parts }) => `${asset} of set ${setId}: ${parts.join(', ')}`,
      )
      throw new Problem(problems.snapshotInconsistent, said.join('; '))
    }
    return {}
  },
})
