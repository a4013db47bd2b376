import { createReader, type Reader } from '../../shared/platform/resource/reader.ts'
import { openCache } from '../../shared/platform/cache/open-cache.ts'
import type { Cache, CacheRead } from '../../shared/platform/cache/cache.ts'
import { cacheKey } from '../../shared/platform/cache/entry.ts'
import { fillFrom } from '../../api/http/cached-read.ts'
import { members } from '../../api/resources/members.ts'
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
  /** One of its own is the API's: it tells other processes of its writes itself. */
  readonly applicationName?: string
}

export async function openCacheProcess({
  url,
  redisUrl,
  memoryBytesMax = 268_435_456,
  applicationName,
}: CacheSetup): Promise<CacheProcess> {
  const business = await openBusiness({
    url,
    connectionsMax: 4,
    ...(applicationName !== undefined && { applicationName }),
  })
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

/** The declared read of one member, all its fields, as the API would serve it. */
export function readMember(
  { business, reader }: Pick<CacheProcess, 'business' | 'reader'>,
  { organisationId, id }: { readonly organisationId: string; readonly id: string },
): CacheRead {
  const selection = { expand: {} }
  const prepared = reader.item({ resource: members, scope: { organisationId }, id, selection })
  const route = '/api/v2/members/:id'
  return {
    key: cacheKey({ organisationId }, { route, shape: prepared.digest, query: id }),
    route,
    lifetime: { freshSeconds: 600, staleSeconds: 60 },
    fill: () =>
      fillFrom(business, prepared, ({ body }) => ({
        body: body === undefined ? undefined : `{"data":${body}}`,
        headers: {},
      })),
  }
}
