/** How often something may be done: `quota` times in any window of so many seconds, as `WindowCounts` counts. */
export type Policy = {
  /** As it stands in headers: lower-case letters and hyphens. */
  readonly name: string
  readonly quota: number
  readonly windowSeconds: number
}

/** What was counted of one partition, and how much of the running window has passed. */
type Use = {
  readonly previousCount: number
  readonly currentCount: number
  readonly elapsedMs: number
}

// The sliding-window counter: what was counted in the window before weighs as much as of that window still lies within
// reach, as if it had come evenly. Windows that begin anew allow twice the quota at once, half before the border and half
// after; this allows no more than the quota at once, and after that one as each leaves. Two numbers for each partition, and
// counts of several processes are added, which the theoretical arrival times of GCRA cannot be.

/** A sum of fractions that should be whole may be less by a rounding. */
const roundingSlack = 1e-9

/** How many more are possible at this moment. */
export function remainingOf({ quota, windowSeconds }: Policy, use: Use): number {
  const { previousCount, currentCount, elapsedMs } = use
  const share = 1 - elapsedMs / (windowSeconds * 1000)
  return Math.max(0, Math.floor(quota - currentCount - previousCount * share + roundingSlack))
}

/** Whole seconds until `wanted` are possible, if nothing is done meanwhile; 0 when they are now. At most two windows.
 *  More than the quota are never possible; then it is as for the quota. */
export function secondsUntil(
  { quota, windowSeconds }: Policy,
  { previousCount, currentCount, elapsedMs }: Use,
  wanted: number,
): number {
  const windowMs = windowSeconds * 1000
  const most = Math.max(0, quota - wanted)
  const isInThisWindow = currentCount <= most
  const count = isInThisWindow ? previousCount : currentCount
  const over = isInThisWindow ? most - currentCount : most
  const leftAtMs = count <= over ? 0 : windowMs * (1 - over / count)
  const waitMs = isInThisWindow ? leftAtMs - elapsedMs : windowMs - elapsedMs + leftAtMs
  return Math.max(0, Math.ceil(waitMs / 1000 - roundingSlack))
}
