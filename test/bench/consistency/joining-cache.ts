import type { openCache } from '../../../shared/platform/cache/open-cache.ts'
import { ChangeLog } from '../../../shared/platform/cache/change-log.ts'
import { CacheEngine } from '../../../shared/platform/cache/engine.ts'
import { startFollower, type Follower } from '../../../shared/platform/cache/follower.ts'
import { sizeOf, type Held } from '../../../shared/platform/cache/held.ts'
import { createMemoryTier } from '../../../shared/platform/cache/memory-tier.ts'
import { openRedisTier } from '../../../shared/platform/cache/redis-tier.ts'
import { SharedTier } from '../../../shared/platform/cache/shared-tier.ts'
import { Statistics } from '../../../shared/platform/cache/statistics.ts'

const timings = { acknowledgeMs: 500, fillPatienceMs: 2_000, refreshesMax: 4, trustMs: 1_000 }

/** What `openCache` opens, but whoever asks for a catch-up is content with one that was sent before. */
export const openJoiningCache: typeof openCache = async (options, tracked, needs) => {
  const { memoryBytesMax: bytesMax, databaseUrl, redis, whenUnconfirmed } = options
  const statistics = new Statistics()
  const memory = createMemoryTier<Held>({ bytesMax, sizeOf })
  const changes = new ChangeLog(tracked, () => memory.clear())
  const followed = startFollower(
    {
      url: databaseUrl,
      applicationName: `${options.applicationName}-changes`,
      pollMs: 250,
      timeoutMs: 2_000,
    },
    changes,
    needs,
  )
  const follower = joining(followed)
  const { url = '' } = redis
  const tier = await openRedisTier({ ...redis, url, prefix: 'tidegate:cache' }, needs)
  tier.onHint(() => void follower.catchUp().catch(() => undefined))
  const shared = new SharedTier({ ...needs, changes, follower, statistics, redis: tier })
  await follower.catchUp().catch(() => undefined)
  return new CacheEngine(
    { ...timings, whenUnconfirmed, bytesMax },
    { ...needs, changes, follower, memory, shared, statistics },
  )
}

function joining(follower: Follower): Follower {
  let underWay: Promise<void> | undefined
  return {
    confirmedAtMs: () => follower.confirmedAtMs(),
    connections: () => follower.connections(),
    send: (text, values) => follower.send(text, values),
    listen: (channel, listener) => follower.listen(channel, listener),
    catchUp() {
      underWay ??= follower.catchUp().finally(() => (underWay = undefined))
      return underWay
    },
  }
}
