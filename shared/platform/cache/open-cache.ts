import type { Clock } from '../clock.ts'
import type { Lifecycle } from '../lifecycle.ts'
import type { Log } from '../log.ts'
import type { Random } from '../random.ts'
import type { Cache } from './cache.ts'
import { ChangeLog, type TrackedTable } from './change-log.ts'
import { CacheEngine } from './engine.ts'
import { startFollower } from './follower.ts'
import { sizeOf, type Held } from './held.ts'
import { createMemoryTier } from './memory-tier.ts'
import { createOffCache } from './off.ts'
import { openRedisTier } from './redis-tier.ts'
import { SharedTier } from './shared-tier.ts'
import { Statistics } from './statistics.ts'

export type CacheOptions = {
  /** Where answers may be kept: nowhere, in this process, or in Redis as well. */
  readonly tiers: 'none' | 'memory' | 'memory-and-redis'
  readonly memoryBytesMax: number
  readonly whenUnconfirmed: 'serve-stale' | 'read'
  /** A direct connection to the primary. */
  readonly databaseUrl: string
  readonly applicationName: string
  readonly redis: {
    readonly url: string | undefined
    readonly connectTimeoutMs: number
    readonly commandTimeoutMs: number
  }
}

type Needs = {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly lifecycle: Lifecycle
}

/** Answers are served as confirmed for so long after everything that was committed was known: the bound that is promised. */
const trustMs = 1_000
/** Several times within the bound, so that one that is late costs nothing. */
const pollMs = 250
const timings = { acknowledgeMs: 500, fillPatienceMs: 2_000, refreshesMax: 4 }

/** Opens the cache of one process: it follows the changes from the first moment, and closes with the lifecycle. Resolves
 *  when the change log has been read once, or could not be.
 *  @param tracked the tables that answers are made from */
export async function openCache(
  options: CacheOptions,
  tracked: ReadonlyMap<string, TrackedTable>,
  needs: Needs,
): Promise<Cache> {
  const { log } = needs
  if (options.tiers === 'none') {
    log.info('cache off: every read goes to the database')
    return createOffCache(needs)
  }
  const statistics = new Statistics()
  const bytesMax = options.memoryBytesMax
  const memory = createMemoryTier<Held>({ bytesMax, sizeOf })
  const changes = new ChangeLog(tracked, () => {
    memory.clear()
    statistics.count('reset')
  })
  const follower = startFollower(
    {
      url: options.databaseUrl,
      applicationName: `${options.applicationName}-changes`,
      pollMs,
      timeoutMs: 2_000,
    },
    changes,
    needs,
  )
  const shared = await openShared(options, { changes, follower, statistics }, needs)
  await follower.catchUp().catch(() => undefined) // said by the follower; it goes on trying
  return new CacheEngine(
    { ...timings, trustMs, whenUnconfirmed: options.whenUnconfirmed, bytesMax },
    { ...needs, changes, follower, memory, shared, statistics },
  )
}

async function openShared(
  { tiers, redis }: CacheOptions,
  parts: Pick<ConstructorParameters<typeof SharedTier>[0], 'changes' | 'follower' | 'statistics'>,
  needs: Needs,
): Promise<SharedTier | undefined> {
  if (tiers !== 'memory-and-redis' || redis.url === undefined) {
    needs.log.info('Redis cache disabled - using in-memory fallback')
    return undefined
  }
  const tier = await openRedisTier({ ...redis, url: redis.url, prefix: 'tidegate:cache' }, needs)
  tier.onHint(() => void parts.follower.catchUp().catch(() => undefined))
  return new SharedTier({ ...parts, ...needs, redis: tier })
}
