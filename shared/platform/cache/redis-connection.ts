import { Redis } from 'ioredis'
import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import { redisErrorKind } from './redis-error.ts'

/** Where the cache's Redis is and how long it is waited for. Milliseconds. */
export type RedisPlace = {
  readonly url: string
  readonly connectTimeoutMs: number
  readonly commandTimeoutMs: number
}

export type RedisConnection = {
  readonly redis: Redis
  /** What last went wrong with the connection itself, since it was last ready. */
  readonly lastError: () => Error | undefined
}

type Needs = { readonly clock: Pick<Clock, 'monotonicMs'>; readonly random: Random }

/** After a failover the name may lead to the new primary while the connection leads to what is now a replica. Where there is
 *  no other primary, reconnecting changes nothing and costs the commands under way, so it is tried once a minute. */
const readOnlyPauseMs = 60_000

/**
 * Begins to connect, and goes on trying for ever. Commands fail at once while there is no connection, and are never sent
 * twice: the cache must not cost more than the read that it saves.
 */
export function connectRedis(
  name: string,
  { url, connectTimeoutMs, commandTimeoutMs }: RedisPlace,
  { clock, random }: Needs,
): RedisConnection {
  let readOnlyAtMs = Number.NEGATIVE_INFINITY
  const redis = new Redis(url, {
    connectionName: name,
    connectTimeout: connectTimeoutMs,
    commandTimeout: commandTimeoutMs,
    // A connection that gave no answer to many commands is dead without having said so; a new one may not be.
    socketTimeout: 10 * commandTimeoutMs,
    disconnectTimeout: connectTimeoutMs,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // It would subscribe without awaiting, and when that failed, the process would end.
    autoResubscribe: false,
    replyMapping: 'legacy',
    retryStrategy: (attempt) => reconnectDelayMs(attempt, random),
    reconnectOnError(error) {
      const isDue = clock.monotonicMs() - readOnlyAtMs > readOnlyPauseMs
      const isReadOnly = redisErrorKind(error) === 'read_only'
      readOnlyAtMs = isReadOnly && isDue ? clock.monotonicMs() : readOnlyAtMs
      return isReadOnly && isDue
    },
  })
  let lastError: Error | undefined
  redis.on('error', (error: Error) => (lastError = error))
  redis.on('ready', () => (lastError = undefined))
  return { redis, lastError: () => lastError }
}

/** Quick after a short outage, calm during a long one: 50 ms, doubled each time up to 2 s, less up to half of it by chance,
 *  so that a hundred processes do not return in step. */
function reconnectDelayMs(attempt: number, random: Random): number {
  const ceilingMs = Math.min(50 * 2 ** Math.min(attempt - 1, 6), 2000)
  return Math.ceil(ceilingMs * (1 - random.fraction() / 2))
}
