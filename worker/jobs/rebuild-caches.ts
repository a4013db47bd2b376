import { z } from 'zod'
import { countActiveUsers } from '#members'
import { askWarm, warmedCount } from '#platform/cache/ask-caches'
import type { Platform } from '#platform/platform'
import { defineJob } from '#platform/queue/define-job'

/** Below the job's own time, so that what has been answered counts. */
const cachePatienceMs = 240_000

/** Has the API processes fetch what active members begin with. Says how many of those there are, of whom the latest are
 *  warmed. */
export const rebuildCaches = defineJob({
  queue: 'cache',
  name: 'rebuild-caches',
  payload: z.strictObject({}),
  attemptsMax: 2,
  backoffMs: 10_000,
  timeoutMs: 300_000,
  concurrency: 1,
  whenGivenUp: 'next-run',
  async run(slice: Pick<Platform, 'db' | 'clock' | 'random'>, _payload, { signal, log }) {
    const replies = await askWarm({ ...slice, cachePatienceMs, signal }, 'members')
    const warmed = warmedCount(replies)
    const active = await countActiveUsers(slice, { at: slice.clock.now() })
    log.info({ activeCount: active, warmedCount: warmed }, 'caches rebuilt for active members')
    return { rows: warmed }
  },
})
