import { z } from 'zod'
import { pruneChangeLog } from '#platform/cache/prune'
import type { Platform } from '#platform/platform'
import { defineJob } from '#platform/queue/define-job'

type Slice = Pick<Platform, 'db'> & {
  /** How long a change may still be asked for. */
  readonly changeLogSeconds: number
}

/** Deletes changes that no kept answer is old enough to have missed. Most runs find nothing due. */
export const pruneChanges = defineJob({
  queue: 'housekeeping',
  name: 'prune-change-log',
  payload: z.strictObject({}),
  attemptsMax: 3,
  backoffMs: 2000,
  timeoutMs: 60_000,
  concurrency: 1,
  whenGivenUp: 'next-run',
  async run({ db, changeLogSeconds }: Slice) {
    const { deletedCount } = await pruneChangeLog(db, { retentionSeconds: changeLogSeconds })
    return { rows: deletedCount }
  },
})
