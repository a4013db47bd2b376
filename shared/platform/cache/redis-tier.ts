import type { Redis } from 'ioredis'
import type { Clock } from '../clock.ts'
import type { Lifecycle } from '../lifecycle.ts'
import type { Log } from '../log.ts'
import type { Random } from '../random.ts'
import { within } from '../resilience/within.ts'
import type { OperatedCircuit } from '../resilience/circuit-breaker.ts'
import type { CacheKey, Entry } from './entry.ts'
import { encodeEntry, entryBytesMax } from './entry-codec.ts'
import { createRedisCalls, type RedisCalls, type RedisCallsSnapshot } from './redis-calls.ts'
import { connectRedis, type RedisConnection, type RedisPlace } from './redis-connection.ts'
import { judgeRedisError } from './redis-error.ts'
import { openRedisHints } from './redis-hints.ts'
import { redisKeys, type RedisKeys } from './redis-keys.ts'
import { createRedisPresence } from './redis-presence.ts'
import { defineScripts } from './redis-scripts.ts'
import { readRedisUsage, type RedisUsage } from './redis-usage.ts'

// The second tier of the response cache: entries that all processes share, leases so that one of them makes each, and hints
// that something was committed. Nothing that Redis does makes an answer wrong: every entry is checked against the log of
// changes by whoever takes it, and each method below ends within the command's time limit, at worst with nothing.

/** What Redis has for a key: an entry's bytes, to be decoded and checked (`remove` them when they cannot be decoded, and ask
 *  again); the right and the duty to make one; nothing yet, for somebody else is making it; or nothing at all, since Redis
 *  cannot be used or cannot lease now, and the caller makes one for itself. */
export type Lookup =
  | { readonly kind: 'found'; readonly bytes: Buffer }
  | { readonly kind: 'leased' }
  | { readonly kind: 'wait' }
  | { readonly kind: 'away' }

export type LeaseRequest = {
  /** How long the others wait for the caller at most. */
  readonly leaseMs: number
  /** Names this one fill, among all processes. */
  readonly holder: string
  /** The stamp (`formatSnapshot`) of an entry that the caller found invalid; still there, it counts as absent. */
  readonly rejected?: string
}

/** `kept`: a later one was there and stays. `dropped`: not stored, because Redis refused or is not there, it is too large,
 *  or it is of another epoch. */
export type PutResult = 'stored' | 'kept' | 'dropped'

/** None of its promises rejects but that of `ping`. */
export type RedisTier = {
  getOrLease(epoch: string, key: CacheKey, request: LeaseRequest): Promise<Lookup>
  /** The bytes of an entry, for a look at it: no lease is taken. */
  get(epoch: string, key: CacheKey): Promise<Buffer | undefined>
  /** Stores an entry until its life ends, unless a later one is there, and ends the holder's lease. */
  putIfNewer(epoch: string, entry: Entry, holder: string): Promise<PutResult>
  /** Ends the lease of a fill that failed. */
  release(epoch: string, key: CacheKey, holder: string): Promise<void>
  /** Takes an entry away: one whose bytes could not be decoded. Works while Redis is out of memory. */
  remove(epoch: string, key: CacheKey): Promise<void>
  /** At least the xmax of every entry that is there; `unknown` when Redis cannot be used. When it is above
   *  the database's, that was restored from an older copy. An evicting Redis may forget it before the entries. */
  greatestXmax(epoch: string): Promise<number | 'none' | 'unknown'>
  /** Tells the other processes that something was committed. Costs the caller nothing and may get lost. */
  hint(): void
  /** Calls for every hint of another process, and when some may have been missed. The listener must not throw. */
  onHint(listener: () => void): void
  /** Whether the next call has a chance. */
  usable(): boolean
  /** Asks Redis beside the circuit and gives the milliseconds that it took.  @throws {Error} when it does not answer */
  ping(): Promise<number>
  /** Of the server, whoever else uses it; undefined when it does not say. */
  usage(): Promise<RedisUsage | undefined>
  /** Figures for metrics: the circuit, errors by kind, entries that were dropped. */
  snapshot(): RedisCallsSnapshot
  readonly circuit: OperatedCircuit
}

type Needs = {
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly lifecycle: Pick<Lifecycle, 'background' | 'defer'>
  readonly random: Random
}

/** Connects, waits for that no longer than `connectTimeoutMs`, and goes on connecting when it was in vain.
 *  @param place `prefix` begins all names in Redis and keeps installations apart
 *  @throws {Error} only for a prefix that cannot be one */
export async function openRedisTier(
  place: RedisPlace & { readonly prefix: string },
  needs: Needs,
): Promise<RedisTier> {
  const { clock, lifecycle, log, random } = needs
  const keys = redisKeys(place.prefix)
  const presence = createRedisPresence(log, 'Redis cache')
  const connection = connectRedis('tidegate-cache', place, needs)
  lifecycle.defer('redis cache', async () => {
    presence.leave()
    connection.redis.disconnect()
  })
  defineScripts(connection.redis)
  const named = { name: 'redis-cache', subject: 'Redis cache' } as const
  const calls = createRedisCalls(connection, { ...place, ...named, presence }, needs)
  const self = random.uuid()
  const hints = openRedisHints(
    connectRedis('tidegate-cache-hints', place, needs),
    { channel: keys.changes, self },
    needs,
  )
  await firstConnection(connection, place.connectTimeoutMs, clock)
  if (connection.redis.status !== 'ready') {
    presence.absent(connection.lastError())
  }
  const { redis } = connection
  return {
    ...answers(redis, keys, calls),
    async greatestXmax(epoch) {
      const text = await calls.ask(() => redis.get(keys.xmax(epoch)))
      if (text === undefined || text === null) {
        return text === null ? 'none' : 'unknown'
      }
      const xmax = Number(text)
      return Number.isSafeInteger(xmax) ? xmax : 'unknown'
    },
    hint() {
      const work = calls.ask(() => redis.publish(keys.changes, self))
      lifecycle.background('redis cache hint', work)
    },
    onHint: (listener) => hints.onHint(listener),
    usable: () => calls.usable(),
    async ping() {
      const startedAtMs = clock.monotonicMs()
      await redis.ping()
      return clock.monotonicMs() - startedAtMs
    },
    usage: async () => readRedisUsage((await calls.ask(() => redis.info())) ?? ''),
    snapshot: () => calls.snapshot(),
    circuit: calls.circuit,
  }
}

type Answers = Pick<RedisTier, 'get' | 'getOrLease' | 'putIfNewer' | 'release' | 'remove'>

/** What concerns one answer. */
function answers(redis: Redis, keys: RedisKeys, calls: RedisCalls): Answers {
  async function release(epoch: string, key: CacheKey, holder: string): Promise<void> {
    const [, lease] = keys.ofAnswer(epoch, key)
    await calls.ask(() => redis.cacheReleaseLease(lease, holder))
  }

  /** Before the entry is stored, and apart from it: in a Redis Cluster it lies elsewhere. Refused, it ends the lease. */
  async function raise({ key, stamp }: Entry, lifeMs: number, holder: string): Promise<void> {
    const [, lease] = keys.ofAnswer(stamp.epoch, key)
    try {
      await redis.cacheRaiseXmax(keys.xmax(stamp.epoch), stamp.snapshot.xmax, lifeMs)
    } catch (error) {
      if (judgeRedisError(error) === 'answered') {
        await Promise.allSettled([redis.cacheReleaseLease(lease, holder)])
      }
      throw error
    }
  }

  return {
    async getOrLease(epoch, key, { leaseMs, holder, rejected = '' }) {
      const names = keys.ofAnswer(epoch, key)
      const given = await calls.ask(() =>
        redis.cacheGetOrLeaseBuffer(...names, holder, Math.ceil(leaseMs), rejected),
      )
      if (Buffer.isBuffer(given)) {
        return { kind: 'found', bytes: given }
      }
      return { kind: given === 1 ? 'leased' : given === 0 ? 'wait' : 'away' }
    },
    async get(epoch, key) {
      const [value] = keys.ofAnswer(epoch, key)
      return (await calls.ask(() => redis.getBuffer(value))) ?? undefined
    },
    async putIfNewer(epoch, entry, holder) {
      const bytes = encodeEntry(entry)
      const lifeMs = lifeMsOf(entry)
      if (bytes.length > entryBytesMax || lifeMs < 1 || entry.stamp.epoch !== epoch) {
        await release(epoch, entry.key, holder)
        return calls.drop()
      }
      const names = keys.ofAnswer(epoch, entry.key)
      const stored = await calls.ask(async () => {
        await raise(entry, lifeMs, holder)
        return redis.cachePutIfNewer(...names, bytes, lifeMs, holder)
      })
      return stored === 1 ? 'stored' : stored === 0 ? 'kept' : calls.drop()
    },
    release,
    async remove(epoch, key) {
      const [value] = keys.ofAnswer(epoch, key)
      await calls.ask(() => redis.del(value))
    },
  }
}

function lifeMsOf({ lifetime }: Entry): number {
  return Math.ceil((lifetime.freshSeconds + lifetime.staleSeconds) * 1000)
}

/** Gives a healthy Redis the moment that it needs. The second failure ends it: the first may be due to a process that is
 *  busy starting. */
async function firstConnection(
  { redis }: RedisConnection,
  limitMs: number,
  clock: Clock,
): Promise<void> {
  const settled = Promise.withResolvers<void>()
  let closedCount = 0
  const onClose = (): void => {
    closedCount += 1
    if (closedCount === 2) {
      settled.resolve()
    }
  }
  redis.once('ready', settled.resolve)
  redis.on('close', onClose)
  await within(limitMs, clock, () => settled.promise).catch(() => undefined)
  redis.off('ready', settled.resolve)
  redis.off('close', onClose)
}
