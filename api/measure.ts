import type { Cache } from '#platform/cache/cache'
import type { RedisCallsSnapshot } from '#platform/cache/redis-calls'
import { measureCache } from '#platform/metrics/measure-cache'
import {
  measureCircuits,
  measureRedis,
  measureRedisUsage,
} from '#platform/metrics/measure-circuits'
import { measureRequests } from '#platform/metrics/measure-requests'
import type { ProcessMetrics } from '#platform/metrics/process-metrics'
import { startSampling } from '#platform/sampling'
import type { Circuits } from '#platform/resilience/circuits'
import type { RequestFigures } from '#platform/telemetry/request-figures'

type Sampler = Parameters<typeof startSampling>[2]

/** Measures what only the API has: requests, the cache, and the circuits to what is behind it. */
export function measureApi(
  metrics: ProcessMetrics,
  parts: Sampler & {
    readonly figures: RequestFigures
    readonly cache: Cache
    readonly circuits: Circuits
  },
): void {
  const { figures, cache, circuits } = parts
  const redis = function* (): Iterable<readonly [string, RedisCallsSnapshot]> {
    const snapshot = cache.report().redis
    if (snapshot) {
      yield ['redis-cache', snapshot]
    }
  }
  measureRequests(metrics, figures)
  measureCache(metrics, cache)
  measureRedis(metrics, redis)
  measureCircuits(metrics, circuits)
  if (cache.tiers === 'memory-and-redis') {
    const usage = startSampling('redis-cache', () => cache.redisUsage(), parts)
    measureRedisUsage(metrics, 'redis-cache', () => usage()?.value)
  }
}
