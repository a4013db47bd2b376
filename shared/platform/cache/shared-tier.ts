import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import type { ChangeLog } from './change-log.ts'
import { decodeEntry } from './entry-codec.ts'
import type { CacheKey } from './entry.ts'
import type { Follower } from './follower.ts'
import { bare, hold, type Held } from './held.ts'
import type { RedisTier } from './redis-tier.ts'
import { compareSnapshots, formatSnapshot } from './snapshot.ts'
import type { Statistics } from './statistics.ts'

/** What was found in Redis: an answer that is true here; leave to fetch one; or word that somebody else is at it. */
export type Finding =
  | { readonly kind: 'found'; readonly held: Held }
  | { readonly kind: 'fill' }
  | { readonly kind: 'elsewhere' }

/** Answers that the processes share. Whatever Redis holds or does, the worst that comes of it is a fetch. */
export type SharedTier = {
  /** @param old what this process has and cannot use
   *  @param isUrgent false: waits for whoever fetches the same; true: does not */
  find(key: CacheKey, old: Held | undefined, isRefresh?: boolean): Promise<Finding>
  look(key: CacheKey): Promise<Held | undefined>
  /** Both without waiting. */
  put(held: Held): void
  release(key: CacheKey): void
  hint(): void
  /** @throws {Error} when Redis does not answer */
  ping(): Promise<unknown>
}

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

export function createSharedTier(parts: Parts): SharedTier {
  const { redis, changes, statistics, clock, random } = parts
  const holder = random.uuid()
  const isVerified = verification(parts)

  function take(key: CacheKey, bytes: Buffer): Held | undefined {
    const entry = decodeEntry(key, bytes)
    const checkedNumber = entry && changes.numberSeenBy(entry.stamp)
    if (!entry || checkedNumber === undefined) {
      return undefined
    }
    const ageMs = Math.max(0, clock.now().getTime() - entry.filledAtMs)
    const sentAtMs = clock.monotonicMs() - ageMs
    const spread = 0.9 + 0.2 * random.fraction()
    return hold(entry, { sentAtMs, seenAtMs: -Infinity, checkedNumber, spread })
  }

  /** An entry that saw more than this process has heard of: it is compared once that is known too. */
  async function catchUpWith({ stamp }: Held): Promise<void> {
    const { cursor } = changes
    if (cursor && stamp.snapshot.xmax > cursor.xmax) {
      await parts.follower.catchUp().catch(() => undefined)
    }
  }

  async function isOfUse(held: Held, old: Held | undefined): Promise<boolean> {
    await catchUpWith(held)
    const { cursor } = changes
    const { snapshot } = held.stamp
    const isFromHere = cursor !== undefined && snapshot.xmax <= cursor.xmax
    const isOverdue = held.validUntilMs !== undefined && clock.now().getTime() >= held.validUntilMs
    const isNewer =
      !old ||
      compareSnapshots(snapshot, old.stamp.snapshot) > 0 ||
      old.stamp.epoch !== held.stamp.epoch
    const isAlive = clock.monotonicMs() < held.staleUntilMs
    return isFromHere && !isOverdue && isNewer && isAlive && changes.isCurrent(held)
  }

  async function find(key: CacheKey, old: Held | undefined, isRefresh = false): Promise<Finding> {
    const deadlineMs = clock.monotonicMs() + leaseMs
    let rejected = old && formatSnapshot(old.stamp.snapshot)
    let pauseMs = 1
    for (let values = 0; values < valuesMax;) {
      const { epoch } = changes
      if (epoch === undefined || !(await isVerified(epoch))) {
        return { kind: 'fill' }
      }
      const options = { leaseMs, holder, ...(rejected !== undefined && { rejected }) }
      const answer = await redis.getOrLease(epoch, key, options)
      if (answer.kind === 'found') {
        values += 1
        const held = take(key, answer.bytes)
        if (held && (await isOfUse(held, old))) {
          return { kind: 'found', held }
        }
        if (held) {
          rejected = formatSnapshot(held.stamp.snapshot)
        } else {
          statistics.count('value-refused')
          await redis.remove(epoch, key)
        }
      } else if (answer.kind !== 'wait') {
        return { kind: 'fill' }
      } else if (isRefresh) {
        return { kind: 'elsewhere' }
      } else if (clock.monotonicMs() >= deadlineMs) {
        return { kind: 'fill' }
      } else {
        await clock.sleep(pauseMs)
        pauseMs = Math.min(2 * pauseMs, pauseMsMax)
      }
    }
    return { kind: 'fill' }
  }

  return {
    find,
    async look(key) {
      const { epoch } = changes
      const bytes = epoch === undefined ? undefined : await redis.get(epoch, key)
      return bytes && take(key, bytes)
    },
    put(held) {
      void redis.putIfNewer(held.stamp.epoch, bare(held), holder)
    },
    release(key) {
      if (changes.epoch !== undefined) {
        void redis.release(changes.epoch, key, holder)
      }
    },
    hint: () => redis.hint(),
    ping: () => redis.ping(),
  }
}

/** Redis remembers the greatest transaction id that was ever stored. A database that is behind it was restored or copied, and
 *  will give the same ids to other transactions: its epoch has to end. Asked once for each epoch and connection. */
function verification({ redis, changes, follower }: Parts): (epoch: string) => Promise<boolean> {
  let verified = { epoch: '', connection: -1 }
  return async (epoch) => {
    if (verified.epoch === epoch && verified.connection === follower.connections()) {
      return true
    }
    const connection = follower.connections()
    const answer = await redis.greatestXmax(epoch)
    const { cursor } = changes
    if (answer === 'unknown' || cursor === undefined) {
      return false
    }
    if (answer !== 'none' && answer > cursor.xmax) {
      await follower.catchUp().catch(() => undefined)
      const now = changes.cursor
      if (changes.epoch === epoch && now && answer > now.xmax) {
        await follower.send('select rotate_cache_epoch()', []).catch(() => undefined)
        return false
      }
    }
    verified = { epoch, connection }
    return changes.epoch === epoch
  }
}
