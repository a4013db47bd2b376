import { integer, port, text, urlOrEmpty } from '../kinds.ts'
import { defineSettings } from '../setting.ts'

const timeout = integer({ min: 1, max: 60_000 })

/** Redis: one for the cache, and one for the queues where they are apart. */
export const redisSettings = defineSettings({
  REDIS_URL: {
    schema: urlOrEmpty('redis:', 'rediss:'),
    emptyIsValue: true,
    secret: true,
    example: 'redis://username:password@host:6379',
    meaning:
      'The Redis of the cache, and of the queues too unless QUEUE_REDIS_URL is set; rediss:// for TLS. Set to nothing (REDIS_URL=): no Redis; the cache stays in the process and the queues run on PostgreSQL.',
  },
  REDIS_HOST: {
    schema: text('a host name or address'),
    example: 'redis',
    meaning: 'With REDIS_PORT and REDIS_DB, another way to write REDIS_URL.',
  },
  REDIS_PORT: {
    schema: port(),
    example: '6379',
    meaning:
      'Goes with REDIS_HOST; 6379 when left out. Kubernetes sets a variable of this name by itself for a service called redis: switch that off with enableServiceLinks: false.',
  },
  REDIS_DB: {
    schema: integer({ min: 0, max: 255 }),
    example: '0',
    meaning: 'Goes with REDIS_HOST; 0 when left out.',
  },
  QUEUE_REDIS_URL: {
    schema: urlOrEmpty('redis:', 'rediss:'),
    emptyIsValue: true,
    secret: true,
    example: 'redis://username:password@host:6380',
    meaning:
      'The Redis of the queues, which must run with maxmemory-policy noeviction. Not set: REDIS_URL. Set to nothing: the queues run on PostgreSQL.',
  },
  REDIS_MAX_CONNECTIONS: {
    schema: integer({ min: 3, max: 1000 }),
    standard: '50',
    unit: 'connections',
    meaning:
      'The most connections that one process opens to the Redis of the queues; a worker has two for each queue. Too few: it does not start.',
  },
  REDIS_CONNECT_TIMEOUT_MS: {
    schema: timeout,
    standard: '500',
    unit: 'ms',
    meaning: 'How long the cache waits for a connection to Redis.',
  },
  REDIS_COMMAND_TIMEOUT_MS: {
    schema: timeout,
    standard: '100',
    unit: 'ms',
    meaning:
      'How long the cache waits for an answer; a cache must not cost more than the read it saves.',
  },
  REDIS_PRODUCER_TIMEOUT_MS: {
    schema: timeout,
    standard: '1000',
    unit: 'ms',
    meaning: 'How long adding a job may take before it fails; the outbox then tries again.',
  },
})
