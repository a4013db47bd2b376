import { z } from 'zod'
import type { Labels, Metric } from '../telemetry/metric.ts'
import { metricsPathOf } from './metrics-handler.ts'
import { isFailed } from './snapshot.ts'
import { classesOf, ratioOf, type Classes } from './summaries.ts'

/** What callers were answered: everything but the paths of operators and what is no route. The limits of time are ends of classes
 *  of the histogram, so the counts are exact. */
export const callerCounts = z.object({
  requests: z.number(),
  /** Answered with a status of 500 or above. */
  failed: z.number(),
  within100Ms: z.number(),
  within500Ms: z.number(),
})
export type CallerCounts = z.infer<typeof callerCounts>

type Objective = {
  readonly name: string
  /** The share that has to be good. */
  readonly targetRatio: number
  readonly good: (counts: CallerCounts) => number
}

/** REQUIREMENTS R: errors below 0.1 % (V-03), p95 below 100 ms (S0), p99 below 500 ms (S3). */
const objectives: readonly Objective[] = [
  { name: 'availability', targetRatio: 0.999, good: ({ requests, failed }) => requests - failed },
  { name: 'within-100-ms', targetRatio: 0.95, good: ({ within100Ms }) => within100Ms },
  { name: 'within-500-ms', targetRatio: 0.99, good: ({ within500Ms }) => within500Ms },
]

/** A process remembers an hour; longer windows are for Prometheus. */
const windowsSeconds = [300, 1_800, 3_600] as const

/** Counts by now what callers were answered. */
export function countCallers(metrics: readonly Metric[]): CallerCounts {
  const name = 'http.server.request.duration'
  const all = classesOf(metrics, name, isOfCallers)
  const failed = classesOf(metrics, name, (labels) => isOfCallers(labels) && isFailed(labels))
  return {
    requests: all.count,
    failed: failed.count,
    within100Ms: countWithin(all, 0.1),
    within500Ms: countWithin(all, 0.5),
  }
}

function isOfCallers(labels: Labels): boolean {
  const route = labels['http.route'] ?? ''
  return route.startsWith('/') && metricsPathOf(route) === undefined
}

/** Those in classes that end at this bound or before. */
const countWithin = ({ bounds, counts }: Classes, seconds: number): number =>
  counts.reduce((sum, one, index) => sum + ((bounds[index] ?? Infinity) <= seconds ? one : 0), 0)

/** What was counted since an earlier count. */
export function callersSince(now: CallerCounts, before: CallerCounts): CallerCounts {
  return {
    requests: now.requests - before.requests,
    failed: now.failed - before.failed,
    within100Ms: now.within100Ms - before.within100Ms,
    within500Ms: now.within500Ms - before.within500Ms,
  }
}

/** What one interval of one process adds. */
type Interval = {
  readonly at: string
  readonly seconds: number
  readonly callers: CallerCounts
}

/** How much of the error budget is used up, by objective and window. A budget is the share that may be bad; a burn rate of 1 uses
 *  up exactly that, and 14.4 a month's budget in two days.
 *  @param processes the intervals of each, of the last hour
 *  @returns `coveredSeconds`: how much of the window the process knows that has run longest; ratios are 1 and 0 without requests */
export function errorBudgets(processes: readonly (readonly Interval[])[], now: Date) {
  return objectives.map(({ name, targetRatio, good }) => ({
    name,
    targetRatio,
    windows: windowsSeconds.map((seconds) => {
      const since = now.getTime() - seconds * 1_000
      const each = processes.map((points) => points.filter(({ at }) => Date.parse(at) > since))
      const counts = each.flat().map(({ callers }) => callers)
      const requests = counts.reduce((sum, one) => sum + one.requests, 0)
      const bad = requests - counts.reduce((sum, one) => sum + good(one), 0)
      const badRatio = ratioOf(bad, requests)
      const burnRate = badRatio / (1 - targetRatio)
      return {
        seconds,
        coveredSeconds: Math.max(0, ...each.map(secondsOf)),
        requests,
        bad,
        goodRatio: 1 - badRatio,
        burnRate,
        budgetLeftRatio: 1 - burnRate,
      }
    }),
  }))
}

const secondsOf = (points: readonly Interval[]): number =>
  points.reduce((sum, { seconds }) => sum + seconds, 0)
