import { z } from 'zod'
import { updateContentEngagementScores } from '#content'
import type { Platform } from '#platform/platform'
import { defineJob } from '#platform/queue/define-job'

/** Scores contents anew because they have aged: all that still have a score. Every batch commits by itself, so a run that was
 *  broken off has done what it did. */
export const scoreContents = defineJob({
  queue: 'engagement',
  name: 'score-contents',
  payload: z.strictObject({}),
  attemptsMax: 3,
  backoffMs: 2000,
  timeoutMs: 600_000,
  slowStatementMs: 1_000,
  concurrency: 1,
  whenGivenUp: 'next-run',
  async run({ db, clock }: Pick<Platform, 'db' | 'clock'>, _payload, { signal }) {
    const options = { at: clock.now(), which: 'all', signal } as const
    return { rows: await updateContentEngagementScores({ db }, options) }
  },
})
