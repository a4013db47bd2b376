import { sql } from 'kysely'
import type { Clock } from '../clock.ts'
import type { Runner } from '../database/database.ts'
import type { FailedJob } from './backend.ts'
import { bury } from './dead-letters.ts'
import type { Queues } from './queues.ts'
import { describeJob } from './run-job.ts'

type Slice = { readonly db: Runner; readonly clock: Clock; readonly queues: Pick<Queues, 'ask'> }

/** Failed jobs that are looked at in each queue, the latest. */
const jobsMax = 500

/** Keeps as dead letters what the queues hold as failed and nobody has buried: the database did not answer then, or the worker
 *  that should have done it was killed. What operators have decided about is no longer in a queue.
 *  @returns how many were found */
export async function collectDeadLetters(slice: Slice): Promise<number> {
  const queues = await slice.db.run(sql<{ queue: string; expendable: string[] }>`
    select queue, coalesce(array_agg(name) filter (where when_given_up = 'next-run'), '{}') as expendable
      from job_definitions group by queue`)
  let collected = 0
  for (const { queue, expendable } of queues) {
    const failed = await slice.queues.ask(queue, (one) => one.getJobs(['failed'], 0, jobsMax - 1))
    const lasting = failed.filter(({ name }) => !expendable.includes(name))
    for (const job of await unburied(slice, queue, lasting)) {
      const death = {
        ...describeJob({ queue, queued: job }),
        traceId: undefined,
        reason: 'attempts-used-up',
        error: job.failedReason ?? 'the queue does not say why',
        attempts: job.attemptsMade,
      } as const
      collected += (await bury(slice, death)) ? 1 : 0
    }
  }
  return collected
}

type Failed = FailedJob & { readonly failedReason?: string | undefined }

async function unburied(
  { db }: Slice,
  queue: string,
  jobs: readonly Failed[],
): Promise<readonly Failed[]> {
  const ids = jobs.flatMap(({ id }) => id ?? [])
  const rows = await db.run(sql<{ id: string }>`
    select id from unnest(${ids}::text[]) as failed (id)
     where not exists (select from dead_letters where queue = ${queue} and job_id = failed.id)`)
  const missing = new Set(rows.map(({ id }) => id))
  return jobs.filter(({ id }) => id !== undefined && missing.has(id))
}
