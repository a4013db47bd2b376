import { sql } from 'kysely'
import { z } from 'zod'
import { defineJob } from '#platform/queue/define-job'
import type { WorkerLimits } from '#platform/queue/workers'
import type { Opened } from '../../platform/queue/fixture.ts'

const payload = z.strictObject({
  /** Milliseconds before the effect, within its transaction, and after it. */
  beforeMs: z.number(),
  withinMs: z.number(),
  afterMs: z.number(),
})

/** A job whose effect is a row, and which can be killed before, within and after it. */
export function slowJob(queue: string) {
  return defineJob<Opened, typeof payload>({
    queue,
    name: 'leave-a-row',
    payload,
    attemptsMax: 3,
    backoffMs: 50,
    timeoutMs: 60_000,
    concurrency: 4,
    whenGivenUp: 'dead-letter',
    async run({ clock }, { beforeMs, withinMs, afterMs }, run) {
      await clock.sleep(beforeMs)
      const jobId = run.runId
      const result = await run.once(async (tx) => {
        await tx.run(sql`
          insert into effects (job_id) select bull_id from job_runs where id = ${jobId}::uuid`)
        await clock.sleep(withinMs)
        return { rows: 1 }
      })
      await clock.sleep(afterMs)
      return result
    },
  })
}

/** Short, so that what was lost is taken up within two seconds. */
export const hastyLimits: WorkerLimits = { stopGraceMs: 300, lockMs: 1000, stalledCheckMs: 500 }
