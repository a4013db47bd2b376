import { z } from 'zod'
import { askStatistics } from '#platform/cache/ask-caches'
import { countStatements } from '#platform/database/statement-counts'
import type { Platform } from '#platform/platform'
import { defineJob } from '#platform/queue/define-job'
import { figuresOfJobs } from '#platform/queue/job-figures'
import { newestReport, writeReport } from '#platform/reports/reports'
import { attentionTo, reviewCaches, reviewJobs, reviewStatements } from '../week.ts'

const kind = 'week'
const weekMs = 7 * 24 * 3600 * 1000
/** A process that works answers within a few milliseconds; nobody waits for this report. */
const cachePatienceMs = 2_000

/** Reports how the week went, and what went worse than in the one before: the durations of statements (where PostgreSQL counts
 *  them with pg_stat_statements), how the caches served, how jobs ran. */
export const reviewWeek = defineJob({
  queue: 'housekeeping',
  name: 'review-week',
  payload: z.strictObject({}),
  attemptsMax: 3,
  backoffMs: 60_000,
  timeoutMs: 60_000,
  concurrency: 1,
  whenGivenUp: 'dead-letter',
  async run(slice: Pick<Platform, 'db' | 'clock' | 'random' | 'log'>, _payload, run) {
    const { db, clock } = slice
    const to = clock.now()
    const from = new Date(to.getTime() - weekMs)
    const last = await newestReport(db, kind)
    const ofStatements = reviewStatements(await countStatements(db), last)
    const ofCaches = reviewCaches(await askStatistics({ ...slice, cachePatienceMs }))
    const ofJobs = reviewJobs(await figuresOfJobs(db, { from, to }))
    const figures = { ...ofStatements.figures, ...ofCaches.figures, ...ofJobs.figures }
    const attention = attentionTo(figures, last?.figures ?? {})
    const report = {
      kind,
      figures: { ...figures, attention: attention.length },
      body: {
        from: from.toISOString(),
        to: to.toISOString(),
        attention,
        statements: ofStatements.statements,
        caches: ofCaches.caches,
        jobs: ofJobs.jobs,
        counts: ofStatements.counts,
      },
    }
    await run.once((tx) => writeReport({ ...slice, db: tx }, report))
    return {}
  },
})
