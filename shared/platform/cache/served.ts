import type { Held } from './held.ts'

/**
 * How an answer came about, in the words of `Cache-Status` (RFC 9211).
 * - `hit`: true, as far as this process can know within its bounds
 * - `aged`: true, and older than its lifetime; a new one is being fetched
 * - `unconfirmed`: nothing is known against it, but for a while nothing could be
 * - `source-down`: no longer true or no longer known to be, given because the source does not answer
 * - `miss`: fetched just now
 */
export type Outcome = 'hit' | 'aged' | 'unconfirmed' | 'source-down' | 'miss'

/** Why the answer was fetched: nothing kept, something changed that it depended on, its time was up, or the reader wanted it. */
export type MissReason = 'absent' | 'changed' | 'expired' | 'bypass' | 'off'

export type Served = {
  readonly held: Held
  readonly outcome: Outcome
  /** Where a hit was found; where a miss was looked for. */
  readonly tier: 'memory' | 'redis'
  readonly reason?: MissReason
  /** Remaining life; negative once it has passed. */
  readonly ttlSeconds: number
  readonly ageSeconds: number
  readonly isStored: boolean
  /** One fetch was shared by several readers. */
  readonly isCollapsed: boolean
}

/** What a look or a fetch came to, before it is given to a reader. */
export type Found = Pick<Served, 'held' | 'outcome' | 'tier' | 'reason' | 'isStored'>

/** What a reader is told besides: age and remaining life.
 *  @param confirmedUntilMs the end of the time for which the answer is known to be true */
export function serve(
  found: Found,
  { nowMs, confirmedUntilMs }: { readonly nowMs: number; readonly confirmedUntilMs: number },
  isCollapsed: boolean,
): Served {
  const { held, outcome, tier, isStored, reason } = found
  const isDoubtful = outcome === 'unconfirmed' || outcome === 'source-down'
  const untilMs = isDoubtful ? Math.min(confirmedUntilMs, held.freshUntilMs) : held.freshUntilMs
  const lifeSeconds = (untilMs - nowMs) / 1000
  const ttlSeconds =
    isDoubtful || outcome === 'aged'
      ? Math.min(-1, Math.floor(lifeSeconds))
      : Math.max(0, Math.ceil(lifeSeconds))
  const ageSeconds = Math.max(0, Math.floor((nowMs - held.sentAtMs) / 1000))
  // Named one by one: this is done for every answer, and a copy of an object costs several times as much.
  const served = { held, outcome, tier, isStored, isCollapsed, ttlSeconds, ageSeconds }
  return reason === undefined ? served : { ...served, reason }
}
