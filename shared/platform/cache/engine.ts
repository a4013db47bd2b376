import type { Lifecycle } from '../lifecycle.ts'
import type { OperatedCircuit } from '../resilience/circuit-breaker.ts'
import type { Cache, CacheRead, CacheReport, Warmed } from './cache.ts'
import { Confirmation, type ConfirmationOptions } from './confirmation.ts'
import type { Consistency } from './consistency-token.ts'
import { encode } from './encodings.ts'
import type { Stamp } from './entry.ts'
import { Filler, isTooOld, sharedFor, type FillerParts } from './filler.ts'
import { Flights } from './flights.ts'
import type { Follower } from './follower.ts'
import type { Held } from './held.ts'
import type { RedisUsage } from './redis-usage.ts'
import { serve, type Found, type Served } from './served.ts'
import type { Finding } from './shared-tier.ts'
import { isTrue } from './truth.ts'

export type EngineOptions = ConfirmationOptions & {
  /** What happens to answers that are not confirmed: serve what is kept, flagged, and fetch anew beside it; or fetch first. */
  readonly whenUnconfirmed: 'serve-stale' | 'read'
  /** How long a fetch may take before an older answer is served instead, where there is one. */
  readonly fillPatienceMs: number
  /** Fetches that run beside answers, at a time. */
  readonly refreshesMax: number
  readonly bytesMax: number
}

export type EngineParts = FillerParts & {
  readonly follower: Follower
  readonly lifecycle: Pick<Lifecycle, 'background'>
}

/** The two tiers, the change log and the fetches put together. */
export class CacheEngine implements Cache {
  readonly #options: EngineOptions
  readonly #parts: EngineParts
  readonly #flights = new Flights<Found>()
  readonly #confirmation: Confirmation
  readonly #filler: Filler
  #refreshes = 0

  constructor(options: EngineOptions, parts: EngineParts) {
    this.#options = options
    this.#parts = parts
    this.#confirmation = new Confirmation(options, parts)
    this.#filler = new Filler(parts, options.fillPatienceMs)
  }

  get tiers(): Cache['tiers'] {
    return this.#parts.shared ? 'memory-and-redis' : 'memory'
  }

  get circuit(): OperatedCircuit | undefined {
    return this.#parts.shared?.circuit
  }

  get messages(): Follower {
    return this.#parts.follower
  }

  stamp(): Stamp | undefined {
    return this.#confirmation.stamp()
  }

  peek(read: CacheRead, isWanted?: (held: Held) => boolean): Served | undefined {
    const held = this.#parts.memory.get(read.key)
    if (held === undefined || !isTrue(held, this.#parts)) {
      return undefined
    }
    const nowMs = this.#parts.clock.monotonicMs()
    const outcome = this.#outcomeOf(read, held, nowMs)
    if (outcome === undefined || isWanted?.(held) === false) {
      return undefined
    }
    if (outcome !== 'hit' || this.#isEarly(held, nowMs)) {
      this.#refresh(read, held)
    }
    return this.#serve({ held, outcome, tier: 'memory', isStored: true }, false, nowMs)
  }

  async read(read: CacheRead): Promise<Served> {
    const { consistency, isBypass = false } = read
    const isReached = consistency === undefined || (await this.#confirmation.reach(consistency))
    if (isBypass || !isReached) {
      const found = await this.#filler.fill(read, () => undefined)
      return this.#serve({ ...found, reason: 'bypass' })
    }
    const hit = this.peek(read)
    if (hit) {
      return hit
    }
    const { result, isShared } = await this.#flights.join(
      read.key,
      (sent) => this.#fetch(read, sent),
      (found) => this.#isTrueNow(found),
    )
    return this.#serve(result, isShared)
  }

  async warm(read: CacheRead, freshForMs = 0): Promise<Warmed> {
    const held = this.#parts.memory.peek(read.key)
    const isOfUse = held !== undefined && isTrue(held, this.#parts)
    if (isOfUse && held.freshUntilMs - this.#parts.clock.monotonicMs() > freshForMs) {
      return 'kept'
    }
    const { result } = await this.#flights.join(
      read.key,
      (sent) => (isOfUse ? this.#renew(read, held, sent) : this.#fetch(read, sent)),
      () => true,
    )
    const { outcome, tier, isStored } = result
    return !isStored || outcome === 'source-down'
      ? 'refused'
      : outcome === 'miss'
        ? 'filled'
        : tier === 'redis'
          ? 'found'
          : 'kept'
  }

  refreshing(): number {
    return this.#refreshes
  }

  acknowledge(): Promise<Consistency> {
    this.#parts.shared?.hint()
    return this.#confirmation.acknowledge()
  }

  encoded(held: Held, coding: Parameters<Cache['encoded']>[1]): Promise<Buffer> {
    return encode(held, coding, () => this.#parts.memory.resize(held.key))
  }

  async inspect(key: CacheRead['key']): ReturnType<Cache['inspect']> {
    const { memory, shared } = this.#parts
    const near = memory.peek(key)
    const far = await shared?.look(key)
    const describe = (held: Held) => ({ held, isCurrent: this.isCurrent(held) })
    return { ...(near && { memory: describe(near) }), ...(far && { redis: describe(far) }) }
  }

  *kept(): Iterable<Held> {
    for (const [, held] of this.#parts.memory.entries()) {
      yield held
    }
  }

  isCurrent(held: Held): boolean {
    return isTrue(held, this.#parts)
  }

  report(): CacheReport {
    const { memory, shared, changes, follower, statistics, clock } = this.#parts
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
      ...(shared && { redis: shared.snapshot() }),
    }
  }

  catchUp(): Promise<void> {
    return this.#parts.follower.catchUp()
  }

  async ping(): Promise<unknown> {
    return this.#parts.shared?.ping()
  }

  async redisUsage(): Promise<RedisUsage | undefined> {
    return this.#parts.shared?.usage()
  }

  /** As what an answer may be served that nothing is known against; undefined: not at all. Unconfirmed is one against which
   *  for a while nothing could be known. */
  #outcomeOf(
    read: CacheRead,
    held: Held,
    nowMs: number,
  ): 'hit' | 'aged' | 'unconfirmed' | undefined {
    if (this.#confirmation.isConfirmed(held, nowMs)) {
      const isOver = nowMs >= held.staleUntilMs
      return isOver ? undefined : nowMs >= held.freshUntilMs ? 'aged' : 'hit'
    }
    const isRefused =
      this.#options.whenUnconfirmed === 'read' ||
      this.#confirmation.isDistrusted(held) ||
      isTooOld(read, held, nowMs)
    return isRefused ? undefined : 'unconfirmed'
  }

  /** Looks in Redis, and fetches where that has nothing of use. Readers who come meanwhile share it. */
  async #fetch(read: CacheRead, sent: () => void): Promise<Found> {
    const old = this.#parts.memory.peek(read.key)
    const finding = await this.#look(read, old, false)
    return finding.kind === 'found'
      ? { held: finding.held, outcome: 'hit', tier: 'redis', isStored: true }
      : this.#filler.fill(read, sent, old)
  }

  /** What another process stored can only be compared with changes that are known here. */
  async #look(read: CacheRead, old: Held | undefined, isRefresh: boolean): Promise<Finding> {
    const shared = sharedFor(read, this.#parts.shared)
    if (!shared || !(await this.#confirmation.isInformed())) {
      return { kind: 'fill' }
    }
    const finding = await shared.find(read.key, old, isRefresh)
    if (finding.kind === 'found') {
      this.#filler.keep(finding.held, read)
    }
    return finding
  }

  /** Fetches anew beside the answer that goes out. Of many only so many at a time, or they would finish off a database
   *  that is late already. */
  #refresh(read: CacheRead, old: Held): void {
    const { statistics, lifecycle } = this.#parts
    if (this.#refreshes >= this.#options.refreshesMax || this.#flights.isUnderWay(read.key)) {
      return
    }
    this.#refreshes += 1
    const refresh = this.#flights
      .join(
        read.key,
        (sent) => this.#renew(read, old, sent),
        () => true,
      )
      .then(
        ({ result }) => result.outcome === 'source-down' && statistics.count('refresh-failed'),
        () => statistics.count('refresh-failed'),
      )
      .finally(() => (this.#refreshes -= 1))
    lifecycle.background('cache refresh', refresh)
  }

  /** Fetches anew what is true still, or takes what another process has fetched; who fetches it now is not waited for. */
  async #renew(read: CacheRead, old: Held, sent: () => void): Promise<Found> {
    const finding = await this.#look(read, old, true)
    if (finding.kind === 'fill') {
      return this.#filler.fill(read, sent, old)
    }
    return finding.kind === 'found'
      ? { held: finding.held, outcome: 'hit', tier: 'redis', isStored: true }
      : { held: old, outcome: 'aged', tier: 'memory', isStored: true }
  }

  /** Early refresh (XFetch): the nearer the end and the dearer the fetch, the likelier; so of many readers one comes first. */
  #isEarly({ fillMs, freshUntilMs }: Held, nowMs: number): boolean {
    const remainingMs = freshUntilMs - nowMs
    return (
      remainingMs < 20 * fillMs &&
      remainingMs < -fillMs * Math.log(Math.max(this.#parts.random.fraction(), Number.EPSILON))
    )
  }

  /** Whether what was under way before a reader came may be given to it all the same. */
  #isTrueNow({ held, outcome }: Found): boolean {
    return (
      outcome !== 'source-down' &&
      held.isKept &&
      isTrue(held, this.#parts) &&
      this.#confirmation.isConfirmed(held, this.#parts.clock.monotonicMs())
    )
  }

  #serve(found: Found, isCollapsed = false, nowMs = this.#parts.clock.monotonicMs()): Served {
    const { held } = found
    held.hits += 1
    const confirmedUntilMs = this.#confirmation.confirmedAtMs(held) + this.#options.trustMs
    const served = serve(found, { nowMs, confirmedUntilMs }, isCollapsed)
    this.#parts.statistics.served(served)
    return served
  }
}
