import type { Clock } from '../clock.ts'
import { isOutage } from '../database/outage.ts'
import type { Lifecycle } from '../lifecycle.ts'
import type { Random } from '../random.ts'
import { TimedOut, within } from '../resilience/within.ts'
import type { Cache, CacheRead, CacheReport } from './cache.ts'
import type { ChangeLog } from './change-log.ts'
import type { Consistency } from './consistency-token.ts'
import { encode } from './encodings.ts'
import type { Filling, Stamp } from './entry.ts'
import { Flights } from './flights.ts'
import type { Follower } from './follower.ts'
import { entryOf, hold, type Held } from './held.ts'
import type { MemoryTier } from './memory-tier.ts'
import type { Served } from './served.ts'
import type { SharedTier } from './shared-tier.ts'
import { compareSnapshots, covers } from './snapshot.ts'
import type { Statistics } from './statistics.ts'

export type EngineOptions = {
  /** For so long after the last catch-up was sent answers are served as confirmed. */
  readonly trustMs: number
  /** What happens after that: serve what is kept, flagged, and fetch anew beside it; or fetch first. */
  readonly whenUnconfirmed: 'serve-stale' | 'read'
  /** How long a write waits to see its own change. */
  readonly acknowledgeMs: number
  /** How long a fetch may take before an older answer is served instead, where there is one. */
  readonly fillPatienceMs: number
  /** Fetches that run beside answers, at a time. */
  readonly refreshesMax: number
  readonly bytesMax: number
}

export type EngineParts = {
  readonly changes: ChangeLog
  readonly follower: Follower
  readonly memory: MemoryTier<Held>
  /** Absent: answers are kept in this process alone. */
  readonly shared: SharedTier | undefined
  readonly statistics: Statistics
  readonly clock: Clock
  readonly random: Random
  readonly lifecycle: Pick<Lifecycle, 'background'>
}

/** Older answers are not given even when there is nothing else: nobody expects them to hold. */
const dayMs = 24 * 3600 * 1000

type Found = Pick<Served, 'held' | 'outcome' | 'tier' | 'reason' | 'isStored'>

/** The two tiers, the change log and the fills put together. */
export class CacheEngine implements Cache {
  readonly #options: EngineOptions
  readonly #parts: EngineParts
  readonly #flights = new Flights<Found>()
  #refreshes = 0
  /** A write was acknowledged that this process may not have seen: older answers are not served as if it had. */
  #distrustedAtMs = -Infinity

  constructor(options: EngineOptions, parts: EngineParts) {
    this.#options = options
    this.#parts = parts
  }

  get tiers(): Cache['tiers'] {
    return this.#parts.shared ? 'memory-and-redis' : 'memory'
  }

  stamp(): Stamp | undefined {
    const { epoch, cursor } = this.#parts.changes
    return epoch !== undefined && cursor ? { epoch, snapshot: cursor } : undefined
  }

  peek(read: CacheRead): Served | undefined {
    const held = this.#parts.memory.get(read.key)
    if (held === undefined || !this.#isTrue(held)) {
      return undefined
    }
    const nowMs = this.#parts.clock.monotonicMs()
    if (!this.#isConfirmed(held, nowMs)) {
      const isRefused = this.#options.whenUnconfirmed === 'read' || this.#isDistrusted(held)
      if (isRefused || this.#isTooOld(read, held)) {
        return undefined
      }
      this.#refresh(read, held)
      return this.#serve({ held, outcome: 'unconfirmed', tier: 'memory', isStored: true }, false)
    }
    if (nowMs >= held.staleUntilMs) {
      return undefined
    }
    const isAged = nowMs >= held.freshUntilMs
    if (isAged || this.#isEarly(held, nowMs)) {
      this.#refresh(read, held)
    }
    return this.#serve(
      { held, outcome: isAged ? 'aged' : 'hit', tier: 'memory', isStored: true },
      false,
    )
  }

  async read(read: CacheRead): Promise<Served> {
    const isReached = await this.#reach(read.consistency)
    if (read.isBypass === true || !isReached) {
      const found = await this.#fill(read, () => undefined)
      return this.#serve({ ...found, reason: 'bypass' }, false)
    }
    const hit = this.peek(read)
    if (hit) {
      return hit
    }
    const { result, isShared } = await this.#flights.join(
      read.key,
      (sent) => this.#fetch(read, sent),
      ({ held, outcome }) =>
        outcome !== 'source-down' &&
        held.isKept &&
        this.#isTrue(held) &&
        this.#isConfirmed(held, this.#parts.clock.monotonicMs()),
    )
    return this.#serve(result, isShared)
  }

  async acknowledge(): Promise<Consistency> {
    const { shared, follower, clock, statistics } = this.#parts
    shared?.hint()
    try {
      await within(this.#options.acknowledgeMs, clock, () => follower.catchUp())
      return this.stamp() ?? 'primary'
    } catch {
      this.#distrustedAtMs = clock.monotonicMs()
      statistics.count('acknowledge-failed')
      return 'primary'
    }
  }

  encoded(held: Held, coding: Parameters<Cache['encoded']>[1]): Promise<Buffer> {
    return encode(held, coding, () => this.#parts.memory.resize(held.key))
  }

  async inspect(key: CacheRead['key']): ReturnType<Cache['inspect']> {
    const { memory, shared } = this.#parts
    const near = memory.peek(key)
    const far = await shared?.look(key)
    const describe = (held: Held) => ({ held, isCurrent: this.#isTrue(held) })
    return { ...(near && { memory: describe(near) }), ...(far && { redis: describe(far) }) }
  }

  *kept(): Iterable<Held> {
    for (const [, held] of this.#parts.memory.entries()) {
      yield held
    }
  }

  report(): CacheReport {
    const { memory, changes, follower, statistics, clock } = this.#parts
    return {
      ...statistics.read(),
      tiers: this.tiers,
      entries: memory.count(),
      bytes: memory.bytes(),
      bytesMax: this.#options.bytesMax,
      evicted: memory.evictedCount(),
      epoch: changes.epoch,
      changes: changes.pairs,
      confirmedAgoMs: clock.monotonicMs() - follower.confirmedAtMs(),
    }
  }

  async ping(): Promise<unknown> {
    return this.#parts.shared?.ping()
  }

  catchUp(): Promise<void> {
    return this.#parts.follower.catchUp()
  }

  /** Whether the process knows all that the reader must see; else only the primary can be asked. */
  async #reach(consistency: Consistency | undefined): Promise<boolean> {
    if (consistency === undefined) {
      return true
    }
    const { changes, statistics, clock } = this.#parts
    if (consistency !== 'primary') {
      const hasSeen = (): boolean =>
        changes.epoch === consistency.epoch &&
        changes.cursor !== undefined &&
        covers(changes.cursor, consistency.snapshot)
      if (hasSeen()) {
        return true
      }
      statistics.count('token-waited')
      await within(this.#options.acknowledgeMs, clock, () => this.catchUp()).catch(() => undefined)
      if (hasSeen()) {
        return true
      }
    }
    statistics.count('token-primary')
    return false
  }

  /** Looks in Redis, and fetches where that has nothing of use. Readers who come meanwhile share it. */
  async #fetch(read: CacheRead, sent: () => void): Promise<Found> {
    const { memory } = this.#parts
    const shared = this.#sharedFor(read)
    const old = memory.peek(read.key)
    // What another process stored can only be compared with changes that are known here.
    if (shared && (await this.#isInformed())) {
      const found = await shared.find(read.key, old)
      if (found.kind === 'found') {
        this.#keep(found.held)
        return { held: found.held, outcome: 'hit', tier: 'redis', isStored: true }
      }
    }
    return this.#fill(read, sent, old)
  }

  #sharedFor({ isLocal }: CacheRead): SharedTier | undefined {
    return isLocal === true ? undefined : this.#parts.shared
  }

  /** Whether the process knows the changes within the bound, if need be by catching up. */
  async #isInformed(): Promise<boolean> {
    const { follower, clock } = this.#parts
    const isWithinBound = (): boolean =>
      clock.monotonicMs() - follower.confirmedAtMs() < this.#options.trustMs &&
      follower.confirmedAtMs() > this.#distrustedAtMs
    if (!isWithinBound()) {
      await within(this.#options.acknowledgeMs, clock, () => this.catchUp()).catch(() => undefined)
    }
    return isWithinBound()
  }

  async #fill(read: CacheRead, sent: () => void, old?: Held): Promise<Found> {
    const { clock, changes, statistics } = this.#parts
    const shared = this.#sharedFor(read)
    const checkedNumber = changes.number
    const making = { sentAtMs: clock.monotonicMs(), filledAtMs: clock.now().getTime() }
    try {
      sent()
      const filling = await within(
        old === undefined ? undefined : this.#options.fillPatienceMs,
        clock,
        () => read.fill(),
      )
      const fillMs = clock.monotonicMs() - making.sentAtMs
      const held = this.#made(read, filling, { ...making, fillMs, checkedNumber })
      const isStored = held.isKept && this.#keep(held)
      if (isStored) {
        shared?.put(held)
      } else {
        shared?.release(read.key)
      }
      return { held, outcome: 'miss', tier: 'memory', reason: this.#reasonOf(old), isStored }
    } catch (error) {
      shared?.release(read.key)
      const kept = old ?? this.#parts.memory.peek(read.key)
      const last = isSourceDown(error) ? (kept ?? (await shared?.look(read.key))) : undefined
      if (!last || last.status !== 200 || this.#isTooOld(read, last)) {
        statistics.count('fill-failed')
        throw error
      }
      return { held: last, outcome: 'source-down', tier: 'memory', isStored: true }
    }
  }

  #made(
    read: CacheRead,
    filling: Filling,
    made: { sentAtMs: number; filledAtMs: number; fillMs: number; checkedNumber: number },
  ): Held {
    const { stamp } = filling
    const unstamped = { epoch: '', snapshot: { xmin: 0, xmax: 0, xip: [] } }
    const entry = entryOf({ ...filling, stamp: stamp ?? unstamped }, { ...read, ...made })
    const spread = 0.9 + 0.2 * this.#parts.random.fraction()
    const held = hold(entry, { ...made, seenAtMs: made.sentAtMs, spread })
    return { ...held, isKept: stamp !== undefined && stamp.epoch === this.#parts.changes.epoch }
  }

  /** Never replaces an answer by an older one. */
  #keep(held: Held): boolean {
    const { memory } = this.#parts
    const known = memory.peek(held.key)
    const isOlder =
      known !== undefined &&
      known.stamp.epoch === held.stamp.epoch &&
      compareSnapshots(held.stamp.snapshot, known.stamp.snapshot) < 0
    if (!isOlder) {
      memory.set(held.key, held)
    }
    return !isOlder
  }

  /** True by all that is known here: nothing that it depends on has changed, and the clock has not overtaken it. */
  #isTrue(held: Held): boolean {
    const { clock, changes } = this.#parts
    const isOverdue = held.validUntilMs !== undefined && clock.now().getTime() >= held.validUntilMs
    return !isOverdue && changes.isCurrent(held)
  }

  /** Whether nothing can have been committed unheard longer ago than the bound: the process has caught up since, or the
   *  answer itself is as young. */
  #isConfirmed(held: Held, nowMs: number): boolean {
    const confirmedAtMs = Math.max(this.#parts.follower.confirmedAtMs(), held.seenAtMs)
    return nowMs - confirmedAtMs < this.#options.trustMs && confirmedAtMs > this.#distrustedAtMs
  }

  #isTooOld({ lastResortMs = dayMs }: CacheRead, { sentAtMs }: Held): boolean {
    return this.#parts.clock.monotonicMs() - sentAtMs > lastResortMs
  }

  #isDistrusted(held: Held): boolean {
    return Math.max(this.#parts.follower.confirmedAtMs(), held.seenAtMs) <= this.#distrustedAtMs
  }

  /** Early refresh (XFetch): the nearer the end and the dearer the fetch, the likelier; so of many readers one comes first. */
  #isEarly({ fillMs, freshUntilMs }: Held, nowMs: number): boolean {
    const remainingMs = freshUntilMs - nowMs
    return (
      remainingMs < 20 * fillMs &&
      remainingMs < -fillMs * Math.log(Math.max(this.#parts.random.fraction(), Number.EPSILON))
    )
  }

  /** Fetches anew beside the answer that goes out. Of many only so many at a time, or they would finish off a database
   *  that is late already. */
  #refresh(read: CacheRead, old: Held): void {
    const { statistics, lifecycle } = this.#parts
    const shared = this.#sharedFor(read)
    if (this.#refreshes >= this.#options.refreshesMax || this.#flights.isUnderWay(read.key)) {
      return
    }
    this.#refreshes += 1
    const work = async (sent: () => void): Promise<Found> => {
      const found = await shared?.find(read.key, old, true)
      if (found?.kind === 'found') {
        this.#keep(found.held)
        return { held: found.held, outcome: 'hit', tier: 'redis', isStored: true }
      }
      if (found?.kind === 'elsewhere') {
        return { held: old, outcome: 'aged', tier: 'memory', isStored: true }
      }
      return this.#fill(read, sent, old)
    }
    const refresh = this.#flights
      .join(read.key, work, () => true)
      .then(
        ({ result }) => result.outcome === 'source-down' && statistics.count('refresh-failed'),
        () => statistics.count('refresh-failed'),
      )
      .finally(() => (this.#refreshes -= 1))
    lifecycle.background('cache refresh', refresh)
  }

  #reasonOf(old: Held | undefined): NonNullable<Served['reason']> {
    if (old === undefined) {
      return 'absent'
    }
    return this.#parts.changes.isCurrent(old) ? 'expired' : 'changed'
  }

  #serve(found: Found, isCollapsed: boolean): Served {
    const { held, outcome } = found
    const nowMs = this.#parts.clock.monotonicMs()
    held.hits += 1
    const confirmedAtMs = Math.max(this.#parts.follower.confirmedAtMs(), held.seenAtMs)
    const lifeMs =
      outcome === 'unconfirmed' || outcome === 'source-down'
        ? Math.min(confirmedAtMs + this.#options.trustMs, held.freshUntilMs) - nowMs
        : held.freshUntilMs - nowMs
    const isStale = outcome !== 'hit' && outcome !== 'miss'
    const ttlSeconds = isStale
      ? Math.min(-1, Math.floor(lifeMs / 1000))
      : Math.max(0, Math.ceil(lifeMs / 1000))
    const ageSeconds = Math.max(0, Math.floor((nowMs - held.sentAtMs) / 1000))
    const served = { ...found, isCollapsed, ttlSeconds, ageSeconds }
    this.#parts.statistics.served(served)
    return served
  }
}

function isSourceDown(error: unknown): boolean {
  return isOutage(error) || error instanceof TimedOut
}
