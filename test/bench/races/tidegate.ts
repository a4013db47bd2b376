import type { Consistency } from '../../../shared/platform/cache/consistency-token.ts'
import { rowTag, tableTag } from '../../../shared/platform/cache/dependencies.ts'
import { cacheKey } from '../../../shared/platform/cache/entry.ts'
import { openCache } from '../../../shared/platform/cache/open-cache.ts'
import { systemClock } from '../../../shared/platform/clock.ts'
import { createLifecycle } from '../../../shared/platform/lifecycle.ts'
import { createLog } from '../../../shared/platform/log.ts'
import { systemRandom } from '../../../shared/platform/random.ts'
import { parseStamp } from '../../../shared/platform/resource/filled.ts'
import { cacheOff } from '../../support/api.ts'
import { redisUrlOf, type Contender } from './contender.ts'

const tracked = new Map([['race_rows', { primaryKey: ['id'], scopes: [] }]])

/** This product's own cache, with Redis as second tier. All that it says to Redis goes the way of messages: it has no other
 *  for them. */
export const tidegate = (version: string): Contender => ({
  name: 'Tidegate',
  version,
  isShared: true,
  async open({ databaseUrl, bus }) {
    const log = createLog('bench', 'silent')
    const lifecycle = createLifecycle(log)
    const options = {
      ...cacheOff,
      tiers: 'memory-and-redis',
      databaseUrl,
      redis: { url: redisUrlOf(bus), connectTimeoutMs: 2_000, commandTimeoutMs: 500 },
    } as const
    const needs = { clock: systemClock, random: systemRandom, log, lifecycle }
    const cache = await openCache(options, tracked, needs)
    return {
      async read(id, load, token) {
        const served = await cache.read({
          key: cacheKey('public', { route: '/rows/:id', shape: '1', query: id }),
          route: '/rows/:id',
          lifetime: { freshSeconds: 3_600, staleSeconds: 60 },
          ...(token !== undefined && { consistency: token as Consistency }),
          fill: async () => {
            const { value, stamp } = await load()
            const tags = [
              tableTag('race_rows'),
              ...id.split('+').map((one) => rowTag('race_rows', one)),
            ]
            return {
              status: 200,
              body: Buffer.from(value),
              headers: {},
              dependencies: { tags, memberships: [] },
              ...(stamp !== null && { stamp: parseStamp(stamp) }),
            }
          },
        })
        return served.held.body.toString()
      },
      wrote: () => cache.acknowledge(),
      close: () => lifecycle.stop(),
    }
  },
})
