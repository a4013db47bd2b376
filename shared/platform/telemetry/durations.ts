import { durationBoundsSeconds } from './request-figures.ts'

/** How long things took, as a histogram. */
export type Durations = {
  /** Upper ends of the classes in seconds. */
  readonly boundsSeconds: readonly number[]
  /** How many ended in each class; the last one has no upper end. */
  readonly counts: Float64Array
  sumSeconds: number
}

/** Nothing counted yet.
 *  @param boundsSeconds ascending; those of requests when left out */
export function noDurations(boundsSeconds: readonly number[] = durationBoundsSeconds): Durations {
  return { boundsSeconds, counts: new Float64Array(boundsSeconds.length + 1), sumSeconds: 0 }
}

/** Counts one. */
export function addDuration(durations: Durations, seconds: number): void {
  const { boundsSeconds, counts } = durations
  const found = boundsSeconds.findIndex((bound) => seconds <= bound)
  const index = found === -1 ? boundsSeconds.length : found
  counts[index] = (counts[index] ?? 0) + 1
  durations.sumSeconds += seconds
}
