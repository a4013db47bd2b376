import { Problem } from '#platform/problem'
import { defineJob } from '#platform/queue/define-job'
import { z } from 'zod'
import { backfillRates } from './backfill.ts'
import type { Fx } from './fx.ts'
import { jobProblems } from './problems.ts'
import { historyReaches } from './provider.ts'

/** Fetches the history of the providers that publish one. The worker runs it; it is declared here because an operator starts
 *  it from the admin process, and the refresh when it finds a gap. Safe to repeat: what is stored stays. */
export const backfillFxRates = defineJob({
  queue: 'fx-history',
  name: 'backfill-fx-rates',
  payload: z.strictObject({ reach: z.enum(historyReaches) }),
  attemptsMax: 3,
  backoffMs: 60_000,
  timeoutMs: 10 * 60_000,
  concurrency: 1,
  whenGivenUp: 'dead-letter',
  async run({ fx }: { readonly fx: Fx }, { reach }, run) {
    const results = await backfillRates(fx, {
      reach,
      signal: run.signal,
      onProgress: (done, total) => run.progress(done, total),
    })
    const failed = results.filter(({ status }) => status === 'failed' || status === 'rejected')
    if (failed.length > 0) {
      const detail = failed.map(({ provider, error }) => `${provider}: ${error ?? 'no answer'}`)
      throw new Problem(jobProblems.historyMissing, detail.join('; '))
    }
    return { rows: results.reduce((sum, { stored }) => sum + stored, 0) }
  },
})
