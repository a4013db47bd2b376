import { createReader, type Reader } from '../../shared/platform/resource/reader.ts'
import { openCache } from '../../shared/platform/cache/open-cache.ts'
import type { Cache } from '../../shared/platform/cache/cache.ts'
import { resources } from '../../api/resources.ts'
import { cacheOff } from '../support/api.ts'
import { openBusiness, type Business } from '../support/business.ts'

/** The cache of one process over a database, as the API opens it. */
export type CacheProcess = {
  readonly business: Business
  readonly reader: Reader
  readonly cache: Cache
  readonly close: () => Promise<void>
}

export type CacheSetup = {
  readonly url: string
  /** Absent: this process alone. */
  readonly redisUrl?: string | undefined
  readonly memoryBytesMax?: number
}

export async function openCacheProcess({
  url,
  redisUrl,
  memoryBytesMax = 268_435_456,
}: CacheSetup): Promise<CacheProcess> {
  const business = await openBusiness({ url, connectionsMax: 4 })
  const { db, clock, random, log, lifecycle } = business
  const reader = createReader({ db, clock }, resources)
  const options = {
    ...cacheOff,
    tiers: redisUrl === undefined ? 'memory' : 'memory-and-redis',
    memoryBytesMax,
    databaseUrl: url,
    redis: { ...cacheOff.redis, url: redisUrl },
  } as const
  const cache = await openCache(options, reader.tracked, { clock, random, log, lifecycle })
  return { business, reader, cache, close: () => lifecycle.stop() }
}
