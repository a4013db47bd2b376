import { z } from 'zod'
import { tendInteractions } from '#content'
import type { Platform } from '#platform/platform'
import { defineJob } from '#platform/queue/define-job'

/** Makes the partitions of the months to come, and deletes what interactions leave behind that is of no use any more. */
export const tendOldInteractions = defineJob({
  queue: 'engagement',
  name: 'tend-interactions',
  payload: z.strictObject({}),
  attemptsMax: 3,
  backoffMs: 2000,
  timeoutMs: 300_000,
  concurrency: 1,
  whenGivenUp: 'next-run',
  async run({ db, clock }: Pick<Platform, 'db' | 'clock'>, _payload, { signal }) {
    return { rows: await tendInteractions({ db, clock }, { signal }) }
  },
})
