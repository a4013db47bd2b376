import type { Fx } from '#fx'
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
import type { BreakerSnapshot } from '#platform/resilience/circuit-breaker'
import type { RequestFigures } from '#platform/telemetry/request-figures'

type Sampler = Parameters<typeof startSampling>[2]

/** Measures what only the API has: requests, the cache, and the circuits to what is behind it. */
export function measureApi(
  metrics: ProcessMetrics,
  parts: Sampler & { readonly figures: RequestFigures; readonly cache: Cache; readonly fx: Fx },
): void {
  const { figures, cache, fx } = parts
  const redis = function* (): Iterable<readonly [string, RedisCallsSnapshot]> {
    const snapshot = cache.report().redis
    if (snapshot) {
      yield ['redis-cache', snapshot]
    }
  }
  const circuits = function* (): Iterable<readonly [string, BreakerSnapshot]> {
    for (const [name, { breaker }] of redis()) {
      yield [name, breaker]
    }
    for (const [name, breaker] of fx.breakers) {
      yield [`fx-${name}`, breaker.snapshot()]
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
