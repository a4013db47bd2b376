import { z } from 'zod'
import { rollUpInteractions, updateContentEngagementScores } from '#content'
import type { Platform } from '#platform/platform'
import { defineJob } from '#platform/queue/define-job'

/** Folds what members did since the last run into the counters of contents, and scores those that it concerns. */
export const rollUp = defineJob({
  queue: 'engagement',
  name: 'roll-up-interactions',
  payload: z.strictObject({}),
  attemptsMax: 3,
  backoffMs: 2000,
  timeoutMs: 300_000,
  slowStatementMs: 1_000,
  concurrency: 1,
  whenGivenUp: 'next-run',
  async run({ db, clock }: Pick<Platform, 'db' | 'clock'>, _payload, { signal }) {
    const rows = await rollUpInteractions({ db }, { signal })
    await updateContentEngagementScores({ db }, { at: clock.now(), signal })
    return { rows }
  },
})
