import { sql } from 'kysely'
import { z } from 'zod'
import { buildModel, foldInterests } from '#content'
import { transaction } from '#platform/database/transaction'
import type { Platform } from '#platform/platform'
import { defineJob } from '#platform/queue/define-job'

/** Builds what recommendations are made from, for every organisation in which somebody did something: interests in batches
 *  that each commit by themselves, then the model, which is all there or as it was. A run that was broken off begins anew. */
export const buildRecommendations = defineJob({
  queue: 'recommendations',
  name: 'build-recommendations',
  payload: z.strictObject({}),
  attemptsMax: 3,
  backoffMs: 2000,
  timeoutMs: 3_600_000,
  slowStatementMs: 10_000,
  concurrency: 1,
  whenGivenUp: 'next-run',
  async run(slice: Pick<Platform, 'db' | 'clock' | 'random'>, _payload, run) {
    const { signal } = run
    const progress = (done: number, total: number) => run.progress(done, total)
    const organisations = await slice.db.run(sql<{ id: string }>`
      select id from organisations o
       where exists (select from contents where organisation_id = o.id and deleted_at is null) order by id`)
    let rows = 0
    for (const { id: organisationId } of organisations) {
      await foldInterests(slice, { organisationId, signal })
      const built = await transaction(slice, (tx) =>
        buildModel(tx, { organisationId, progress, signal }),
      )
      rows += built?.contentsCount ?? 0
    }
    return { rows }
  },
})
