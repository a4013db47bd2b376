import type { RedisCallsSnapshot } from '../cache/redis-calls.ts'
import type { RedisUsage } from '../cache/redis-usage.ts'
import type { CircuitState } from '../resilience/circuit.ts'
import { snapshotsOf, type Circuits } from '../resilience/circuits.ts'
import type { Metrics } from '../telemetry/metrics.ts'

const states: readonly CircuitState[] = ['CLOSED', 'OPEN', 'HALF_OPEN']

/** Circuit breakers by the name of the dependency. */
export function measureCircuits(
  metrics: Pick<Metrics, 'gauge' | 'counter'>,
  circuits: Circuits,
): void {
  metrics.gauge(
    {
      name: 'circuit_breaker.state',
      unit: '',
      description: '1 for the state that the circuit is in',
    },
    () =>
      snapshotsOf(circuits).flatMap(([name, snapshot]) =>
        states.map((state) => ({
          labels: { name, state },
          value: snapshot.state === state ? 1 : 0,
        })),
      ),
  )
  metrics.counter(
    {
      name: 'circuit_breaker.transitions',
      unit: '{transition}',
      description: 'How often each state was entered',
    },
    () =>
      snapshotsOf(circuits).flatMap(([name, { transitions }]) =>
        states.map((to) => ({ labels: { name, to }, value: transitions[to] })),
      ),
  )
}

/** How Redis answers a use that the process makes of it. */
export function measureRedis(
  metrics: Metrics,
  snapshots: () => Iterable<readonly [string, RedisCallsSnapshot]>,
): void {
  metrics.gauge(
    { name: 'redis.connected', unit: '', description: '1 while the connection is ready' },
    () =>
      Array.from(snapshots(), ([use, { isConnected }]) => ({
        labels: { use },
        value: isConnected ? 1 : 0,
      })),
  )
  metrics.counter(
    { name: 'redis.errors', unit: '{command}', description: 'Commands that failed, by kind' },
    () =>
      Array.from(snapshots()).flatMap(([use, { errors }]) =>
        Object.entries(errors).map(([kind, value]) => ({ labels: { use, kind }, value })),
      ),
  )
  metrics.counter(
    { name: 'redis.dropped', unit: '{entry}', description: 'Entries that were not stored' },
    () => Array.from(snapshots(), ([use, { droppedCount: value }]) => ({ labels: { use }, value })),
  )
}

/** How full the Redis of a use is.
 *  @param latest undefined while it is not known: then nothing is said of it */
export function measureRedisUsage(
  metrics: Pick<Metrics, 'counter' | 'gauge'>,
  use: string,
  latest: () => RedisUsage | undefined,
): void {
  const pointsOf = (figure: keyof RedisUsage) => () => {
    const value = latest()?.[figure]
    return value === undefined ? [] : [{ labels: { use }, value }]
  }
  metrics.gauge(
    { name: 'redis.memory.usage', unit: 'By', description: 'Memory that the server uses' },
    pointsOf('usedBytes'),
  )
  metrics.gauge(
    {
      name: 'redis.memory.limit',
      unit: 'By',
      description: 'Memory at which the server evicts or refuses; 0: none',
    },
    pointsOf('limitBytes'),
  )
  metrics.counter(
    { name: 'redis.evictions', unit: '{key}', description: 'Keys that the server threw away' },
    pointsOf('evictedCount'),
  )
}
