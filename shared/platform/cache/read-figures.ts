import type { StatsReply } from './remote-question.ts'

export type RouteReply = StatsReply['routes'][string]

/** How reads were answered. */
export type ReadFigures = {
  readonly reads: number
  /** The share of reads for which nobody waited for the database: kept, and nothing known against it. Absent without reads. */
  readonly hitRatio?: number
  readonly outcomes: Readonly<Record<string, number>>
  readonly reasons: Readonly<Record<string, number>>
}

/** The routes that callers ask. Verdicts on credentials go through the cache too, one with each read, and would double every
 *  hit. */
export function answersIn(routes: StatsReply['routes']): readonly RouteReply[] {
  return Object.entries(routes).flatMap(([route, one]) => (route.startsWith('/') ? [one] : []))
}

/** Adds up what routes were asked. */
export function readsOf(routes: readonly RouteReply[]): ReadFigures {
  const outcomes = sumCounts(routes.map((route) => route.outcomes))
  const reasons = sumCounts(routes.map((route) => route.reasons))
  const reads = Object.values(outcomes).reduce((sum, count) => sum + count, 0)
  const { hit = 0, aged = 0, unconfirmed = 0 } = outcomes
  return {
    reads,
    ...(reads > 0 && { hitRatio: (hit + aged + unconfirmed) / reads }),
    outcomes,
    reasons,
  }
}

/** Adds up counts by their names. */
export function sumCounts(
  parts: readonly Readonly<Record<string, number>>[],
): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {}
  for (const [name, count] of parts.flatMap((part) => Object.entries(part))) {
    sums[name] = (sums[name] ?? 0) + count
  }
  return sums
}
