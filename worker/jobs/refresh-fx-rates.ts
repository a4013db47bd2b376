import { z } from 'zod'
import {
  backfillFxRates,
  findHistoryGap,
  jobProblems,
  refreshCadence,
  type Cadence,
  type Fx,
} from '#fx'
import { findUsedAssets } from '#members'
import type { Database } from '#platform/database/database'
import { Problem } from '#platform/problem'
import { defineJob } from '#platform/queue/define-job'
import type { Queues } from '#platform/queue/queues'

type Slice = {
  readonly db: Database
  readonly fx: Fx
  readonly queues: Pick<Queues, 'enqueue'>
}

/** A job for each cadence rather than one with a payload, so that each has its own last run and its own place in the queue.
 *  Asks for the pairs of all organisations, one call for each provider that may have something new. One provider's failure
 *  is made good by the next; the job fails when those that were asked gave nothing. It is not tried again by itself: each
 *  call has had its attempts, and the next run is near. */
const refreshJob = (name: string, cadence: Cadence) =>
  defineJob({
    queue: 'fx',
    name,
    payload: z.strictObject({}),
    attemptsMax: 1,
    backoffMs: 2000,
    timeoutMs: 60_000,
    concurrency: 1,
    whenGivenUp: 'next-run',
    async run({ db, fx, queues }: Slice, _payload, { signal }) {
      const wanted = await findUsedAssets({ db })
      const results = await refreshCadence(fx, cadence, { wanted, signal })
      const rows = results.reduce((sum, { stored }) => sum + stored, 0)
      const failed = results.filter(({ status }) => status === 'failed' || status === 'rejected')
      if (failed.length > 0 && failed.length === results.length) {
        const detail = failed.map(({ provider, error }) => `${provider}: ${error ?? 'no answer'}`)
        throw new Problem(jobProblems.noProviderAnswered, detail.join('; '))
      }
      if (rows > 0) {
        await fillGap(fx, queues)
      }
      return { rows }
    },
  })

/** New rates may have come after days without any, or after none at all. The demo has its history, and often no network. */
async function fillGap(fx: Fx, queues: Slice['queues']): Promise<void> {
  const isDemo = fx.providers.some(({ name }) => name === 'demo-replay')
  const reach = isDemo ? undefined : await findHistoryGap(fx)
  if (reach !== undefined) {
    await queues.enqueue(backfillFxRates, { reach }, { key: `backfill-fx-${reach}` })
  }
}

/** Tokens that move by the minute. */
export const refreshVolatileFxRates = refreshJob('refresh-volatile-fx-rates', 'volatile')

/** Currencies, and tokens that follow one. */
export const refreshFxRates = refreshJob('refresh-fx-rates', 'stable')

/** What central banks publish once a day, in the hours in which they do. */
export const refreshReferenceFxRates = refreshJob('refresh-reference-fx-rates', 'reference')
