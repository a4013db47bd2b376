import { z } from 'zod'
import { refreshRates, type Fx } from '#fx'
import { Problem, defineProblems } from '#platform/problem'
import { defineJob } from '#platform/queue/define-job'

const problems = defineProblems('fx', {
  noProviderAnswered: {
    kind: 'unavailable',
    title: 'No provider gave exchange rates',
    advice: 'Stored rates serve until they are too old. It is tried again.',
  },
})

/** Asks the providers for their newest rates. One provider's failure is its own; the job fails when none gave any. */
export const refreshFxRates = defineJob({
  queue: 'fx',
  name: 'refresh-fx-rates',
  payload: z.strictObject({}),
  attemptsMax: 3,
  backoffMs: 2000,
  timeoutMs: 60_000,
  concurrency: 1,
  whenGivenUp: 'next-run',
  async run({ fx }: { readonly fx: Fx }, _payload, { signal }) {
    const results = await refreshRates(fx, { signal })
    const hasAnswer = results.some(({ status }) => status !== 'failed' && status !== 'rejected')
    if (results.length > 0 && !hasAnswer) {
      const detail = results.map(({ provider, error }) => `${provider}: ${error ?? 'no answer'}`)
      throw new Problem(problems.noProviderAnswered, detail.join('; '))
    }
    return { rows: results.reduce((sum, { stored }) => sum + stored, 0) }
  },
})
