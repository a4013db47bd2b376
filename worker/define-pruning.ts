import { z } from 'zod'
import { inBatches } from '#platform/database/in-batches'
import type { Platform } from '#platform/platform'
import { defineJob, type JobDefinition } from '#platform/queue/define-job'

const dayMs = 24 * 3600 * 1000
const payload = z.strictObject({})

type Slice = Pick<Platform, 'db' | 'clock'>

/** What is over, and how much of it goes at a time. */
export type Pruning = {
  readonly name: string
  /** Rows of one statement. */
  readonly rowsMax: number
  /** Statements of one run for each of `kinds`. */
  readonly batchesMax: number
  readonly timeoutMs: number
  /** Each deletes at most `rowsMax` rows and says how many they were; one after the other. */
  readonly kinds: readonly ((
    slice: Slice,
    batch: { readonly rowsMax: number; readonly daysAgo: (days: number) => Date },
  ) => Promise<number>)[]
}

/** Declares a job that deletes what is over, in many short statements, so that nobody waits long for a row. What is left when a
 *  run has had its share is for the next one. */
export function definePruning(pruning: Pruning): JobDefinition<Slice, typeof payload> {
  const { name, rowsMax, batchesMax: countMax, timeoutMs, kinds } = pruning
  return defineJob({
    queue: 'housekeeping',
    name,
    payload,
    attemptsMax: 3,
    backoffMs: 2000,
    timeoutMs,
    concurrency: 1,
    whenGivenUp: 'next-run',
    async run(slice: Slice, _payload, { signal }) {
      const daysAgo = (days: number): Date => new Date(slice.clock.now().getTime() - days * dayMs)
      let rows = 0
      for (const prune of kinds) {
        const batches = { size: rowsMax, countMax, signal }
        rows += await inBatches((size) => prune(slice, { rowsMax: size, daysAgo }), batches)
      }
      return { rows }
    },
  })
}
