import type { Cache } from '../../../shared/platform/cache/cache.ts'
import { quietApplication } from '../../../shared/platform/cache/change.ts'
import { openCache } from '../../../shared/platform/cache/open-cache.ts'
import { createReader, type Reader } from '../../../shared/platform/resource/reader.ts'
import { resources } from '../../../api/resources.ts'
import { cacheOff } from '../../support/api.ts'
import { openBusiness, type Business } from '../../support/business.ts'
import { openJoiningCache } from './joining-cache.ts'
import type { SafeguardName } from './safeguards.ts'

/** One process of the installation: its cache, and three ways into the database. */
export type Member = {
  readonly cache: Cache
  readonly reader: Reader
  readonly reading: Business
  /** Writes as the API does, whose writers tell of their writes themselves. */
  readonly writing: Business
  /** Writes past the product. */
  readonly foreign: Business
  readonly close: () => Promise<void>
}

export type Place = {
  readonly url: string
  readonly redisUrl: string | undefined
  readonly memoryBytesMax: number
  /** The name of its connection that follows the changes, without the end that all have. */
  readonly followerName: string
}

export async function openMember(
  { url, redisUrl, memoryBytesMax, followerName }: Place,
  without: readonly SafeguardName[] = [],
): Promise<Member> {
  const open = (applicationName: string, connectionsMax: number): Promise<Business> =>
    openBusiness({ url, applicationName, connectionsMax })
  const reading = await open(quietApplication, 6)
  const writing = await open(quietApplication, 6)
  const foreign = await open('psql', 3)
  const { db, clock, random, log, lifecycle } = reading
  const reader = createReader({ db, clock }, resources)
  const options = {
    ...cacheOff,
    applicationName: followerName,
    tiers: redisUrl === undefined ? ('memory' as const) : ('memory-and-redis' as const),
    memoryBytesMax,
    databaseUrl: url,
    redis: { ...cacheOff.redis, url: redisUrl },
  }
  const openOne = without.includes('own-catch-up') ? openJoiningCache : openCache
  const cache = await openOne(options, reader.tracked, { clock, random, log, lifecycle })
  return {
    cache,
    reader,
    reading,
    writing,
    foreign,
    async close() {
      await Promise.all([writing, foreign].map((one) => one.lifecycle.stop()))
      await lifecycle.stop()
    },
  }
}
