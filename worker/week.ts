import { z } from 'zod'
import type { Replies } from '#platform/cache/ask-caches'
import { answersIn, readsOf } from '#platform/cache/read-figures'
import type { StatsReply } from '#platform/cache/remote-question'
import type { JobFigures } from '#platform/queue/job-figures'
import {
  statementsSince,
  type CountedStatements,
  type StatementFigures,
} from '#platform/database/statement-counts'
import type { StoredReport } from '#platform/reports/reports'

/** From here on a statement is slow: what is logged as one, too. */
const slowMs = 100
/** Below it readers wait for the database too often. */
const hitRatioMin = 0.75
/** What counts as falling, in a ratio. */
const hitRatioFall = 0.05
/** What counts as slower, on average over all statements. */
const slowerFactor = 1.5
const namedMax = 20
/** Remembered for the week after. */
const slowMax = 200
/** A route that is asked less has no ratio worth a look. */
const readsMin = 100

/** What is needed of the report of the week before. */
const lastWeek = z.object({
  statements: z.object({ slow: z.array(z.object({ id: z.string() })) }).nullable(),
  counts: z.object({
    resetAt: z.string(),
    counts: z.array(
      z.object({ id: z.string(), calls: z.number(), totalMs: z.number(), squaresMs: z.number() }),
    ),
  }),
})

/** How statements went, and which are slow that were not. */
export function reviewStatements(
  counted: CountedStatements | undefined,
  last: StoredReport | undefined,
) {
  const before = lastWeek.safeParse(last?.body).data
  const { resetAt, counts } = before?.counts ?? { resetAt: '', counts: [] }
  const figures = counted ? statementsSince(counted, { resetAt, counts }) : []
  const slow = named(
    figures.filter(({ p95EstimateMs }) => p95EstimateMs >= slowMs),
    'p95EstimateMs',
  ).slice(0, slowMax)
  const known = new Set(before?.statements?.slow.map(({ id }) => id))
  // The first week has nothing to compare with.
  const fresh = before?.statements ? slow.filter(({ id }) => !known.has(id)) : []
  const calls = figures.reduce((sum, one) => sum + one.calls, 0)
  const totalMs = figures.reduce((sum, one) => sum + one.totalMs, 0)
  return {
    statements: counted
      ? {
          since: before ? last?.createdAt : counted.resetAt,
          slow,
          fresh: fresh.slice(0, namedMax),
          busiest: named(figures, 'totalMs').slice(0, namedMax),
        }
      : null,
    counts: {
      resetAt: counted?.resetAt ?? '',
      counts: (counted?.statements ?? []).map(({ text: _text, ...counts_ }) => counts_),
    },
    figures: {
      ...(calls > 0 && { statementMeanMs: totalMs / calls }),
      slowStatements: slow.length,
      newSlowStatements: fresh.length,
    },
  }
}

/** The most of a figure first; thousandths of a millisecond are no news. */
function named(
  all: readonly StatementFigures[],
  by: 'p95EstimateMs' | 'totalMs',
): readonly StatementFigures[] {
  const round = (ms: number): number => Math.round(ms * 1000) / 1000
  return all
    .toSorted((one, other) => other[by] - one[by])
    .map((one) => ({
      ...one,
      totalMs: round(one.totalMs),
      meanMs: round(one.meanMs),
      p95EstimateMs: round(one.p95EstimateMs),
    }))
}

/** How the caches of the API processes served since these started, and the routes that they served worst. */
export function reviewCaches(replies: Replies<StatsReply>) {
  const all = replies.answers.map(({ answer }) => answer.routes)
  const { reads, hitRatio } = readsOf(all.flatMap(answersIn))
  const names = [...new Set(all.flatMap((routes) => Object.keys(routes)))]
  const worst = names
    .filter((route) => route.startsWith('/'))
    .map((route) => ({ route, ...readsOf(all.flatMap((routes) => routes[route] ?? [])) }))
    .filter((one) => one.reads >= readsMin)
    .map(({ route, reads: count, hitRatio: ratio = 0 }) => ({
      route,
      reads: count,
      hitRatio: ratio,
    }))
    .toSorted((one, other) => one.hitRatio - other.hitRatio)
    .slice(0, namedMax)
  const { known, answered } = replies
  return {
    caches: { known, answered, worst },
    figures: { reads, ...(hitRatio !== undefined && { hitRatio }) },
  }
}

/** How often jobs ran and failed. */
export function reviewJobs(jobs: readonly JobFigures[]) {
  return {
    jobs,
    figures: {
      jobRuns: jobs.reduce((sum, { runs }) => sum + runs, 0),
      jobFailures: jobs.reduce((sum, { failed }) => sum + failed, 0),
    },
  }
}

type Figures = Readonly<Record<string, number>>

/** What somebody should look at: slower, served worse, failing more, newly slow. In words, none when all is well. */
export function attentionTo(now: Figures, before: Figures): readonly string[] {
  const { hitRatio, statementMeanMs, jobFailures = 0, newSlowStatements = 0 } = now
  const said: string[] = []
  if (hitRatio !== undefined && hitRatio < hitRatioMin) {
    said.push(`the hit ratio of the caches is ${percent(hitRatio)}, below ${percent(hitRatioMin)}`)
  }
  if (hitRatio !== undefined && hitRatio < (before['hitRatio'] ?? 0) - hitRatioFall) {
    said.push(`it fell from ${percent(before['hitRatio'] ?? 0)} to ${percent(hitRatio)}`)
  }
  const meanBefore = before['statementMeanMs']
  if (meanBefore !== undefined && (statementMeanMs ?? 0) > meanBefore * slowerFactor) {
    said.push(
      `statements take ${statementMeanMs?.toFixed(2)} ms on average, ${meanBefore.toFixed(2)} before`,
    )
  }
  if (newSlowStatements > 0) {
    said.push(`statements that were not slow before and are now: ${newSlowStatements}`)
  }
  if (jobFailures > (before['jobFailures'] ?? 0)) {
    said.push(`runs of jobs that failed: ${jobFailures}, ${before['jobFailures'] ?? 0} before`)
  }
  return said
}

const percent = (ratio: number): string => `${(ratio * 100).toFixed(1)} %`
