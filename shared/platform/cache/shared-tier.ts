import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import { within } from '../resilience/within.ts'
import type { OperatedCircuit } from '../resilience/circuit-breaker.ts'
import type { ChangeLog } from './change-log.ts'
import { decodeEntry } from './entry-codec.ts'
import type { CacheKey } from './entry.ts'
import type { Follower } from './follower.ts'
import { bare, hold, type Held } from './held.ts'
import type { RedisCallsSnapshot } from './redis-calls.ts'
import type { RedisTier } from './redis-tier.ts'
import type { RedisUsage } from './redis-usage.ts'
import { compareSnapshots, formatSnapshot } from './snapshot.ts'
import type { Statistics } from './statistics.ts'
import { isTrue } from './truth.ts'
import { createVerification } from './verification.ts'

/** What was found in Redis: an answer that is true here; leave to fetch one; or word that somebody else is at it. */
export type Finding =
  | { readonly kind: 'found'; readonly held: Held }
  | { readonly kind: 'fill' }
  | { readonly kind: 'elsewhere' }

type Parts = {
  readonly redis: RedisTier
  readonly changes: ChangeLog
  readonly follower: Follower
  readonly statistics: Statistics
  readonly clock: Clock
  readonly random: Random
}

/** As long as a fetch may take; whoever died while fetching is replaced after it. */
const leaseMs = 3_000
/** Values that are looked at before this process fetches for itself. */
const valuesMax = 3
const pauseMsMax = 40
/** Waiting longer to compare an answer costs more than fetching it. */
const catchUpMs = 250

/** Answers that the processes share. Whatever Redis holds or does, the worst that comes of it is a fetch. */
export class SharedTier {
  readonly #parts: Parts
  readonly #holder: string
  readonly #isVerified: (epoch: string) => Promise<boolean>

  constructor(parts: Parts) {
    this.#parts = parts
    this.#holder = parts.random.uuid()
    this.#isVerified = createVerification(parts)
  }

  /** @param old what this process has and cannot use, or wants a newer one of
   *  @param isRefresh true: waits for nobody who fetches the same */
  async find(key: CacheKey, old: Held | undefined, isRefresh = false): Promise<Finding> {
    const { redis, changes, clock } = this.#parts
    const deadlineMs = clock.monotonicMs() + leaseMs
    let rejected = old && formatSnapshot(old.stamp.snapshot)
    let pauseMs = 1
    for (let values = 0; values < valuesMax;) {
      const { epoch } = changes
      if (epoch === undefined || !(await this.#isVerified(epoch))) {
        return { kind: 'fill' }
      }
      const request = { leaseMs, holder: this.#holder, ...(rejected !== undefined && { rejected }) }
      const answer = await redis.getOrLease(epoch, key, request)
      if (answer.kind === 'found') {
        values += 1
        const held = await this.#take(key, answer.bytes)
        if (held && (await this.#isOfUse(held, old))) {
          return { kind: 'found', held }
        }
        rejected = held && formatSnapshot(held.stamp.snapshot)
      } else if (answer.kind !== 'wait' || clock.monotonicMs() >= deadlineMs) {
        return { kind: 'fill' }
      } else if (isRefresh) {
        return { kind: 'elsewhere' }
      } else {
        await clock.sleep(pauseMs)
        pauseMs = Math.min(2 * pauseMs, pauseMsMax)
      }
    }
    return { kind: 'fill' }
  }

  /** What lies there, without taking a lease; also what is of no use. */
  async look(key: CacheKey): Promise<Held | undefined> {
    const { redis, changes } = this.#parts
    const { epoch } = changes
    const bytes = epoch === undefined ? undefined : await redis.get(epoch, key)
    return bytes && this.#held(key, bytes)
  }

  /** Waits for nothing. */
  put(held: Held): void {
    void this.#parts.redis.putIfNewer(held.stamp.epoch, bare(held), this.#holder)
  }

  /** Waits for nothing. */
  release(key: CacheKey): void {
    const { redis, changes } = this.#parts
    if (changes.epoch !== undefined) {
      void redis.release(changes.epoch, key, this.#holder)
    }
  }

  /** Tells the other processes that something was committed. */
  hint(): void {
    this.#parts.redis.hint()
  }

  /** @throws {Error} when Redis does not answer */
  ping(): Promise<unknown> {
    return this.#parts.redis.ping()
  }

  /** How full Redis is; undefined when it does not say. */
  usage(): Promise<RedisUsage | undefined> {
    return this.#parts.redis.usage()
  }

  /** How Redis answers. */
  get circuit(): OperatedCircuit {
    return this.#parts.redis.circuit
  }

  snapshot(): RedisCallsSnapshot {
    return this.#parts.redis.snapshot()
  }

  async #take(key: CacheKey, bytes: Buffer): Promise<Held | undefined> {
    const held = this.#held(key, bytes)
    if (held === undefined) {
      const { redis, changes, statistics } = this.#parts
      statistics.count('value-refused')
      await redis.remove(changes.epoch ?? '', key)
    }
    return held
  }

  /** Its time counts on from the other process's clock; whether it is true, nothing but the changes decide. */
  #held(key: CacheKey, bytes: Buffer): Held | undefined {
    const { changes, clock, random } = this.#parts
    const entry = decodeEntry(key, bytes)
    if (entry === undefined) {
      return undefined
    }
    const ageMs = Math.max(0, clock.now().getTime() - entry.filledAtMs)
    const seenNumber = changes.numberSeenBy(entry.stamp)
    return hold(entry, {
      sentAtMs: clock.monotonicMs() - ageMs,
      confirmedAtMs: -Infinity,
      // below everything that is forgotten, where it did not see all of that
      checkedNumber: seenNumber ?? -1,
      spread: 0.9 + 0.2 * random.fraction(),
    })
  }

  async #isOfUse(held: Held, old: Held | undefined): Promise<boolean> {
    await this.#catchUpWith(held)
    const { changes, clock } = this.#parts
    const { epoch, snapshot } = held.stamp
    const isKnown = changes.cursor !== undefined && snapshot.xmax <= changes.cursor.xmax
    const isNewer =
      !old || old.stamp.epoch !== epoch || compareSnapshots(snapshot, old.stamp.snapshot) > 0
    const isAlive = clock.monotonicMs() < held.staleUntilMs
    return isKnown && isNewer && isAlive && isTrue(held, this.#parts)
  }

  /** An entry that saw more than this process has heard of is compared once that is known too. */
  async #catchUpWith({ stamp: { snapshot } }: Held): Promise<void> {
    const { changes, clock, follower } = this.#parts
    if (changes.cursor && snapshot.xmax > changes.cursor.xmax) {
      await within(catchUpMs, clock, () => follower.catchUp()).catch(() => undefined)
    }
  }
}
