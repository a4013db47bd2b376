import { z } from 'zod'
import type { Platform } from '#platform/platform'
import { collectDeadLetters } from '#platform/queue/collect-dead-letters'
import { defineJob } from '#platform/queue/define-job'
import type { Queues } from '#platform/queue/queues'

type Slice = Pick<Platform, 'db' | 'clock'> & { readonly queues: Queues }

/** Looks for jobs that were given up and that nobody could write down at that moment. */
export const collectLetters = defineJob({
  queue: 'housekeeping',
  name: 'collect-dead-letters',
  payload: z.strictObject({}),
  attemptsMax: 3,
  backoffMs: 2000,
  timeoutMs: 60_000,
  concurrency: 1,
  whenGivenUp: 'next-run',
  async run(slice: Slice) {
    return { rows: await collectDeadLetters(slice) }
  },
})
