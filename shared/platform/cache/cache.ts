import type { OperatedCircuit } from '../resilience/circuit-breaker.ts'
import type { Consistency } from './consistency-token.ts'
import type { KeptQuestion } from './demand.ts'
import type { CacheKey, Filling, Lifetime, Stamp } from './entry.ts'
import type { Follower } from './follower.ts'
import type { Coding, Held } from './held.ts'
import type { RedisCallsSnapshot } from './redis-calls.ts'
import type { RedisUsage } from './redis-usage.ts'
import type { Served } from './served.ts'
import type { CacheStatistics } from './statistics.ts'

/** One question to the cache. */
export type CacheRead = {
  readonly key: CacheKey
  /** The template of the route, for figures. */
  readonly route: string
  readonly lifetime: Lifetime
  /** What the reader must see at least. */
  readonly consistency?: Consistency | undefined
  /** Keep it in this process alone. */
  readonly isLocal?: boolean
  /** After how long it is not even served when nothing else can be had; a day when left out. */
  readonly lastResortMs?: number
  /** Once something is known against it, it is not served even when nothing else can be had: a key that was revoked. */
  readonly isNeverUntrue?: boolean
  /** An operator wants it fetched, whatever is kept. */
  readonly isBypass?: boolean
  /** How it is asked for again, where a URL and an audience name it. Asked when it is fetched. */
  readonly asked?: () => KeptQuestion
  /** Fetches the answer, by a statement that is sent after the function was called. Never in a transaction that has written:
   *  readers who wait for the same answer are given what it sees. */
  readonly fill: () => Promise<Filling>
}

/** Serves answers that are never older than a write that was acknowledged before they were asked for: always in the same
 *  process, and with the writer's token in any; elsewhere within the bound of `trustMs`. */
export type Cache = {
  readonly tiers: 'none' | 'memory' | 'memory-and-redis'
  /** What is certainly seen by whatever is read from now on. For answers that no single statement makes, and for such as come
   *  from elsewhere: asked before the first look, it can be older than the truth and never newer. */
  stamp(): Stamp | undefined
  /** A kept answer that may be served now; undefined: `read` has to look further. Waits for nothing.
   *  @param isWanted asked last, about what would be served; when it says no, nothing was counted */
  peek(read: CacheRead, isWanted?: (held: Held) => boolean): Served | undefined
  /** @throws what the fill throws, when there is nothing that could be served instead */
  read(read: CacheRead): Promise<Served>
  /** Sees to it that an answer is kept, and serves nobody: it is no read in the figures, and no demand. Shares its fetch with
   *  readers who come meanwhile.
   *  @param freshForMs what is kept does when it is fresh for longer than this
   *  @throws what the fill throws */
  warm(read: CacheRead, freshForMs?: number): Promise<Warmed>
  /** Fetches that run beside answers at this moment. */
  refreshing(): number
  /** To be awaited after COMMIT and before the answer: from then on no reader of this process gets what the write made
   *  untrue. Returns what the writer's next reader must see. Never fails. */
  acknowledge(): Promise<Consistency | undefined>
  /** The body in a coding, made when it is first wanted and kept with the entry. */
  encoded(held: Held, coding: Coding): Promise<Buffer>
  /** What is known of one answer, without serving it. */
  inspect(key: CacheKey): Promise<Inspection>
  /** Every answer that this process keeps. */
  kept(): Iterable<Held>
  /** Whether nothing is known against an answer that is kept. */
  isCurrent(held: Held): boolean
  report(): CacheReport
  /** Resolves when everything committed before the call is known here.  @throws {Error} when the database does not answer */
  catchUp(): Promise<void>
  /** Asks Redis, where it is one of the tiers.  @throws {Error} when it does not answer */
  ping(): Promise<unknown>
  /** How full Redis is; undefined where it is none of the tiers or does not say. */
  redisUsage(): Promise<RedisUsage | undefined>
  /** Of Redis, where it is one of the tiers. */
  readonly circuit?: OperatedCircuit | undefined
  /** The connection on which the changes are followed, for questions of operators; absent where nothing is kept. */
  readonly messages?: Pick<Follower, 'listen' | 'send'>
}

/** What warming an answer came to: it was kept, was found in Redis, was fetched; or it could not be kept. */
export type Warmed = 'kept' | 'found' | 'filled' | 'refused'

export type Inspection = {
  readonly memory?: InspectedTier
  readonly redis?: InspectedTier
}

/** What one tier has. */
export type InspectedTier = { readonly held: Held; readonly isCurrent: boolean }

export type CacheReport = CacheStatistics & {
  readonly tiers: Cache['tiers']
  readonly entries: number
  readonly bytes: number
  readonly bytesMax: number
  readonly evicted: number
  readonly epoch: string | undefined
  /** Changes that are kept to compare entries with, in pairs of change and tag. */
  readonly changes: number
  /** How long ago everything that had been committed was known here. */
  readonly confirmedAgoMs: number
  /** How Redis answers, where it is one of the tiers. */
  readonly redis?: RedisCallsSnapshot
}
