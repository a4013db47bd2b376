import type { Durations } from '../telemetry/durations.ts'
import type { Labels, Metric } from '../telemetry/metric.ts'

/** Whether a series counts. */
export type Wanted = (labels: Labels) => boolean

const every: Wanted = () => true

/** The sum of the series of a counter or gauge; 0 where there is none. */
export function sumOf(metrics: readonly Metric[], name: string, isWanted: Wanted = every): number {
  return metrics
    .flatMap((metric) => (metric.name === name && metric.kind !== 'histogram' ? metric.points : []))
    .filter(({ labels }) => isWanted(labels))
    .reduce((sum, { value }) => sum + value, 0)
}

/** Several series of a histogram as one. */
export type Classes = {
  readonly count: number
  readonly sum: number
  readonly bounds: readonly number[]
  readonly counts: readonly number[]
}

/** The series of a histogram together. */
export function classesOf(
  metrics: readonly Metric[],
  name: string,
  isWanted: Wanted = every,
): Classes {
  const points = metrics
    .flatMap((metric) => (metric.name === name && metric.kind === 'histogram' ? metric.points : []))
    .filter(({ labels }) => isWanted(labels))
  const [first] = points
  const bounds = first?.bounds ?? []
  const counts = Array.from({ length: bounds.length + 1 }, (_, index) =>
    points.reduce((sum, point) => sum + (point.counts[index] ?? 0), 0),
  )
  const count = counts.reduce((sum, one) => sum + one, 0)
  return { count, sum: points.reduce((sum, point) => sum + point.sum, 0), bounds, counts }
}

/** What was counted in one place, in the same form. */
export function classesIn({ boundsSeconds: bounds, counts, sumSeconds: sum }: Durations): Classes {
  const count = counts.reduce((total, one) => total + one, 0)
  return { count, sum, bounds, counts: [...counts] }
}

/** What was counted since an earlier look. */
export function classesSince(now: Classes, before: Classes): Classes {
  const counts = now.counts.map((count, index) => count - (before.counts[index] ?? 0))
  return { ...now, count: now.count - before.count, sum: now.sum - before.sum, counts }
}

/** The upper end of the class that holds the quantile, in milliseconds; 0 without anything. The last class has no upper end,
 *  and stands for its lower one: at least so much. */
export function quantileMs({ count, bounds, counts }: Classes, share: number): number {
  if (count === 0) {
    return 0
  }
  let passed = 0
  const index = counts.findIndex((one) => (passed += one) >= share * count)
  return 1_000 * (bounds[index] ?? bounds.at(-1) ?? 0)
}

/** A share, 0 of nothing. */
export const ratioOf = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)
