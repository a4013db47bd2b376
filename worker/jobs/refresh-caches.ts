import { z } from 'zod'
import { askWarm, warmedCount } from '#platform/cache/ask-caches'
import type { Platform } from '#platform/platform'
import { defineJob } from '#platform/queue/define-job'

/** Below the job's own time, so that what has been answered counts. */
const cachePatienceMs = 240_000

/** Has the API processes fetch anew what they keep, what is in demand, and what has less than half of its life left. */
export const refreshCaches = defineJob({
  queue: 'cache',
  name: 'refresh-caches',
  payload: z.strictObject({}),
  attemptsMax: 2,
  backoffMs: 10_000,
  timeoutMs: 300_000,
  concurrency: 1,
  whenGivenUp: 'next-run',
  async run(slice: Pick<Platform, 'db' | 'clock' | 'random'>, _payload, { signal }) {
    const replies = await askWarm({ ...slice, cachePatienceMs, signal }, 'expiring')
    return { rows: warmedCount(replies) }
  },
})
