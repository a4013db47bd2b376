import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { loadRival, redisUrlOf, type Contender, type Loader } from './contender.ts'

/** All that are in test/bench/package.json, in the versions that its lock file holds. */
export function rivals(versions: Readonly<Record<string, string>>): readonly Contender[] {
  return [bentocache, cacheable, cacheManager, asyncCacheDedupe, apicache].map((rival) => ({
    ...rival,
    version: versions[rival.name] ?? '',
  }))
}

type Rival = Omit<Contender, 'version'>

/** Two tiers and a bus; https://bentocache.dev/docs/multi-tier and /docs/tagging. */
const bentocache: Rival = {
  name: 'bentocache',
  isShared: true,
  async open({ redis, bus, prefix }) {
    const { BentoCache, bentostore } = await loadRival('bentocache')
    const { memoryDriver } = await loadRival('bentocache/drivers/memory')
    const { redisDriver, redisBusDriver } = await loadRival('bentocache/drivers/redis')
    const opened: any[] = []
    const connection = await openClient(redis, opened)
    const store = bentostore()
      .useL1Layer(memoryDriver({ maxSize: '10mb' }))
      .useL2Layer(redisDriver({ connection }))
      .useBus(redisBusDriver({ connection: await openClient(bus, opened) }))
    const cache = new BentoCache({ default: 'multi', stores: { multi: store }, prefix })
    return {
      read: (id, load) =>
        cache.getOrSet({
          key: id,
          tags: id.split('+'),
          ttl: '1h',
          factory: async () => (await load()).value,
        }),
      wrote: (ids) => cache.deleteByTag({ tags: [...ids] }),
      close: async () => opened.forEach((client) => client.disconnect()),
    }
  },
}

/** Two tiers and tags; its README, "Tag Based Invalidation". */
const cacheable: Rival = {
  name: 'cacheable',
  isShared: true,
  async open({ redis, prefix }) {
    const { Cacheable } = await loadRival('cacheable')
    const { default: KeyvRedis } = await loadRival('@keyv/redis')
    const secondary = new KeyvRedis(redisUrlOf(redis), { namespace: prefix })
    secondary.on('error', () => undefined)
    const cache = new Cacheable({ secondary, tags: true })
    cache.on('error', () => undefined)
    return {
      async read(id, load) {
        const known = await cache.get(id)
        if (known !== undefined) {
          return known
        }
        const { value } = await load()
        await cache.set(id, value, { ttl: '1h', tags: id.split('+') })
        return value
      },
      wrote: (ids) => cache.tags.invalidateTags([...ids]),
      close: () => secondary.disconnect(true),
    }
  },
}

/** A client, and every one that is made from it, without a word when its way is cut: that is what the races do. */
async function openClient(options: object, opened: any[]): Promise<any> {
  const { Redis } = await loadRival('ioredis')
  const noted = (client: any): any => {
    client.on('error', () => undefined)
    opened.push(client)
    const duplicate = client.duplicate.bind(client)
    return Object.assign(client, { duplicate: (override: object) => noted(duplicate(override)) })
  }
  return noted(new Redis(options))
}

/** Two stores; its README, "wrap" and "del". It has no tags: whoever writes names the keys. */
const cacheManager: Rival = {
  name: 'cache-manager',
  isShared: true,
  async open({ redis, prefix }) {
    const { createCache } = await loadRival('cache-manager')
    const { Keyv } = await loadRival('keyv')
    const { createKeyv } = await loadRival('@keyv/redis')
    const far = createKeyv(redisUrlOf(redis), { namespace: prefix })
    far.on('error', () => undefined)
    const cache = createCache({ stores: [new Keyv(), far], ttl: 3_600_000 })
    const keys = new Set<string>()
    return {
      read(id, load) {
        keys.add(id)
        return cache.wrap(id, async () => (await load()).value)
      },
      wrote: (ids) =>
        cache.mdel(
          [...keys, ...ids].filter((key) => key.split('+').some((one) => ids.includes(one))),
        ),
      close: () => far.store.disconnect(true),
    }
  },
}

/** Redis alone, with references; its README, "Invalidation". */
const asyncCacheDedupe: Rival = {
  name: 'async-cache-dedupe',
  isShared: true,
  async open({ redis, prefix }) {
    const { createCache } = await loadRival('async-cache-dedupe')
    const opened: any[] = []
    const client = await openClient({ ...redis, keyPrefix: `${prefix}:` }, opened)
    const loaders = new Map<string, Loader>()
    const options = { client, invalidation: { referencesTTL: 3_600 } }
    const cache = createCache({ ttl: 3_600, storage: { type: 'redis', options } })
    cache.define('row', { references: (id: string) => id.split('+') }, async (id: string) =>
      loaders
        .get(id)?.()
        .then(({ value }) => value),
    )
    return {
      read(id, load) {
        loaders.set(id, load)
        return cache.row(id)
      },
      wrote: (ids) => cache.invalidateAll([...ids]),
      close: async () => opened.forEach((one) => one.disconnect()),
    }
  },
}

/** A middleware that keeps responses by URL, cleared by group; its README, "Cache Key Groups". Its Redis client would be
 *  node-redis 3, which is no longer kept up. */
const apicache: Rival = {
  name: 'apicache',
  isShared: false,
  async open() {
    const { default: module } = await loadRival('apicache')
    const cache = module.newInstance()
    // Longer than a race. Its timers of responses that were kept twice cannot be ended, and would keep the run from ending.
    const keep = cache.middleware('10 seconds')
    const loaders = new Map<string, Loader>()
    const server = createServer((request: IncomingMessage, response) => {
      Object.assign(request, { originalUrl: request.url })
      keep(request, response, () => {
        const id = (request.url ?? '').slice(1)
        Object.assign(request, { apicacheGroup: id })
        void loaders
          .get(id)?.()
          .then(({ value }) => response.end(value))
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    return {
      async read(id, load) {
        loaders.set(id, load)
        const response = await fetch(`http://127.0.0.1:${port}/${id}`)
        return response.text()
      },
      async wrote(ids) {
        const groups = [...loaders.keys()].filter((id) =>
          id.split('+').some((one) => ids.includes(one)),
        )
        groups.forEach((group) => cache.clear(group))
      },
      async close() {
        loaders.forEach((_loader, id) => cache.clear(id))
        server.closeAllConnections()
        server.close()
      },
    }
  },
}
