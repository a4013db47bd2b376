import { as, type Alert } from '../alert.ts'
import { hitRatio, readRate } from '../selectors.ts'
import { thresholds } from '../thresholds.ts'

const { hitRatio: hits, trafficMin, changeLogLagSeconds, redisBytes, redisErrorRatio } = thresholds
const window = '5m'

const withReads = (expr: string): string => `${expr} and ${readRate(window)} > ${trafficMin.reads}`

const missing = {
  value: as.percent,
  dashboard: 'cache',
  runbook: {
    means:
      'Too many reads wait for the database. Answers are right; they cost more. It waits for ten minutes and more, since a cold process warms up first.',
    look: 'Misses by reason: `absent` after a start, or because answers make room (`cache_evictions_total`); `changed` when writes overtake answers; `expired` when lifetimes are too short. tRPC `cache.statsByRoute` has the routes.',
    act: '`absent` with evictions: `CACHE_MEMORY_BYTES_MAX`. `changed`: see which job or caller writes so much; counters belong into tables of their own. `cache.warm` fetches at once what is asked for most.',
  },
} as const

/** Hits, the change log, Redis. */
export const cacheAlerts: readonly Alert[] = [
  {
    name: 'CacheHitRatioCritical',
    severity: 'critical',
    expr: withReads(`${hitRatio(window)} < ${hits.critical}`),
    forSeconds: 600,
    when: `fewer than ${hits.critical * 100} % of reads are hits`,
    ...missing,
  },
  {
    name: 'CacheHitRatioWarning',
    severity: 'warning',
    expr: withReads(`${hitRatio(window)} < ${hits.warning}`),
    forSeconds: 1_800,
    when: `fewer than ${hits.warning * 100} % of reads are hits`,
    ...missing,
  },
  {
    name: 'ChangeLogLate',
    severity: 'critical',
    expr: `cache_change_log_lag_seconds > ${changeLogLagSeconds}`,
    forSeconds: 15,
    when: `an API process has not known for ${changeLogLagSeconds} s what was committed`,
    value: as.seconds,
    dashboard: 'cache',
    runbook: {
      means:
        'The process cannot read `change_log`, so it cannot know what has become untrue. What it serves is flagged by a negative `ttl` in `Cache-Status`, or fetched, as `CACHE_WHEN_UNCONFIRMED` says.',
      look: 'PostgreSQL, and the direct connection: behind a pooler `DATABASE_DIRECT_URL` must be set. Long transactions do not delay it.',
      act: 'Mend the connection; the process catches up by itself. Where it does not, restart it.',
    },
  },
  {
    name: 'RedisCacheFull',
    severity: 'warning',
    expr: `redis_memory_usage_bytes{use="redis-cache"} > ${redisBytes}`,
    forSeconds: 60,
    when: `the Redis of the cache uses more than ${redisBytes / 1024 / 1024} MiB`,
    value: as.bytes,
    dashboard: 'cache',
    runbook: {
      means: 'It nears its `maxmemory` (512 MiB in deploy/redis/cache.conf), at which it evicts.',
      look: '`redis-cli INFO memory`, `redis-cli --bigkeys`; whether somebody else uses the server.',
      act: 'Evicting costs fetches and nothing else. Raise `maxmemory`, or shorten `CACHE_TTL_LONG`. Never `FLUSHALL` where queues share the server.',
    },
  },
  {
    name: 'RedisCacheEvicting',
    severity: 'warning',
    expr: 'increase(redis_evictions_total{use="redis-cache"}[15m]) > 0',
    forSeconds: 300,
    when: 'the Redis of the cache throws answers away to make room',
    value: as.number,
    dashboard: 'cache',
    runbook: {
      means: 'Redis is full.',
      look: 'As for RedisCacheFull. Where the queues share the server its policy must be `noeviction`; this alert then means that jobs are lost.',
      act: 'Raise `maxmemory`; give the queues a server of their own.',
    },
  },
  {
    name: 'RedisCacheAway',
    severity: 'warning',
    expr: 'redis_connected{use="redis-cache"} == 0',
    forSeconds: 30,
    when: 'an API process has no connection to the Redis of the cache',
    value: as.number,
    dashboard: 'cache',
    runbook: {
      means: 'Each process keeps its own answers and fetches more. Nothing is lost or untrue.',
      look: '`redis-cli ping` from the machine of the process, and its log: `Redis cache lost` with the cause.',
      act: 'Bring Redis back; processes connect by themselves within seconds.',
    },
  },
  {
    name: 'RedisCacheErrors',
    severity: 'warning',
    expr: withReads(
      `sum(rate(redis_errors_total{use="redis-cache"}[${window}])) / ${readRate(window)} > ${redisErrorRatio}`,
    ),
    forSeconds: 120,
    when: `commands to Redis fail, for more than ${redisErrorRatio * 100} % of reads`,
    value: as.percent,
    dashboard: 'cache',
    runbook: {
      means: 'Redis is there and refuses, or answers too late.',
      look: '`redis_errors_total` by kind: `timeout` is a busy or frozen server, `out_of_memory` a full one, `read_only` a replica.',
      act: 'As the kind says; `ENABLE_REDIS_CACHE=false` takes Redis out of the cache.',
    },
  },
]
