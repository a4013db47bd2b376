import type { Clock } from '../clock.ts'
import { isOutage } from '../database/outage.ts'
import type { Random } from '../random.ts'
import { TimedOut, within } from '../resilience/within.ts'
import type { CacheRead } from './cache.ts'
import type { ChangeLog } from './change-log.ts'
import { Demand } from './demand.ts'
import type { Filling } from './entry.ts'
import { entryOf, hold, type Held } from './held.ts'
import type { MemoryTier } from './memory-tier.ts'
import type { Found, MissReason } from './served.ts'
import type { SharedTier } from './shared-tier.ts'
import { compareSnapshots } from './snapshot.ts'
import type { Statistics } from './statistics.ts'
import { isTrue } from './truth.ts'

export type FillerParts = {
  readonly changes: ChangeLog
  readonly memory: MemoryTier<Held>
  /** Absent: answers are kept in this process alone. */
  readonly shared: SharedTier | undefined
  readonly statistics: Statistics
  readonly clock: Clock
  readonly random: Random
}

/** Older answers are not given even when there is nothing else: nobody expects them to hold. */
const dayMs = 24 * 3600 * 1000

/** Whether an answer is older than may be given as a last resort. */
export function isTooOld(
  { lastResortMs = dayMs }: Pick<CacheRead, 'lastResortMs'>,
  { sentAtMs }: Held,
  nowMs: number,
): boolean {
  return nowMs - sentAtMs > lastResortMs
}

/** Where an answer that is made for this read may be shared. */
export function sharedFor(
  { isLocal }: Pick<CacheRead, 'isLocal'>,
  shared: SharedTier | undefined,
): SharedTier | undefined {
  return isLocal === true ? undefined : shared
}

type Made = {
  readonly sentAtMs: number
  readonly filledAtMs: number
  readonly fillMs: number
  readonly checkedNumber: number
}

/** Fetches answers and keeps them. */
export class Filler {
  readonly #parts: FillerParts
  readonly #patienceMs: number

  /** @param patienceMs how long a fetch may take before an older answer is served instead, where there is one */
  constructor(parts: FillerParts, patienceMs: number) {
    this.#parts = parts
    this.#patienceMs = patienceMs
  }

  /** Fetches an answer and keeps it in all tiers. When the source is down and a tier has an answer, that.
   *  @param sent is called when the statement goes out */
  async fill(read: CacheRead, sent: () => void, old?: Held): Promise<Found> {
    const { clock, changes, memory } = this.#parts
    const shared = sharedFor(read, this.#parts.shared)
    const checkedNumber = changes.number
    const at = { sentAtMs: clock.monotonicMs(), filledAtMs: clock.now().getTime() }
    try {
      sent()
      const limitMs = old === undefined ? undefined : this.#patienceMs
      const filling = await within(limitMs, clock, () => read.fill())
      const fillMs = clock.monotonicMs() - at.sentAtMs
      const held = this.#made(read, filling, { ...at, fillMs, checkedNumber })
      const isNewest = held.isKept && this.keep(held, read)
      if (isNewest) {
        shared?.put(held)
      } else {
        shared?.release(read.key)
      }
      // One that is too large for this tier may still go to the other.
      const isStored = isNewest && (shared !== undefined || memory.peek(read.key) === held)
      return { held, outcome: 'miss', tier: 'memory', reason: this.#reasonOf(old), isStored }
    } catch (error) {
      shared?.release(read.key)
      return this.#lastResort(read, old, error)
    }
  }

  /** Keeps an answer in this process, but never in place of a newer one. */
  keep(held: Held, { asked }: Pick<CacheRead, 'asked'>): boolean {
    const { memory } = this.#parts
    const known = memory.peek(held.key)
    const isOlder =
      known !== undefined &&
      known.stamp.epoch === held.stamp.epoch &&
      compareSnapshots(held.stamp.snapshot, known.stamp.snapshot) < 0
    if (!isOlder) {
      held.demand = known?.demand ?? (asked && new Demand(asked()))
      known?.demand?.replaced(known.hits)
      memory.set(held.key, held)
    }
    return !isOlder
  }

  #made(read: CacheRead, filling: Filling, made: Made): Held {
    const { stamp } = filling
    const unstamped = { epoch: '', snapshot: { xmin: 0, xmax: 0, xip: [] } }
    const entry = entryOf({ ...filling, stamp: stamp ?? unstamped }, { ...read, ...made })
    const spread = 0.9 + 0.2 * this.#parts.random.fraction()
    const held = hold(entry, { ...made, confirmedAtMs: made.sentAtMs, spread })
    return { ...held, isKept: stamp !== undefined && stamp.epoch === this.#parts.changes.epoch }
  }

  /** @throws the error when it says nothing of the source, or when there is nothing to give */
  async #lastResort(read: CacheRead, old: Held | undefined, error: unknown): Promise<Found> {
    const { statistics, memory } = this.#parts
    const isSourceDown = isOutage(error) || error instanceof TimedOut
    const shared = sharedFor(read, this.#parts.shared)
    const near = old ?? memory.peek(read.key)
    const last = isSourceDown ? (near ?? (await shared?.look(read.key))) : undefined
    if (!last || !this.#isLastResort(read, last)) {
      statistics.count('fill-failed')
      throw error
    }
    return { held: last, outcome: 'source-down', tier: 'memory', isStored: true }
  }

  /** Whether it is better than no answer at all. */
  #isLastResort(read: CacheRead, held: Held): boolean {
    const isAllowed = read.isNeverUntrue !== true || isTrue(held, this.#parts)
    const isOld = isTooOld(read, held, this.#parts.clock.monotonicMs())
    return held.status === 200 && !isOld && isAllowed
  }

  #reasonOf(old: Held | undefined): MissReason {
    if (old === undefined) {
      return 'absent'
    }
    return this.#parts.changes.isCurrent(old) ? 'expired' : 'changed'
  }
}
