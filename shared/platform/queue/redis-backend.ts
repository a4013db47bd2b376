import { Queue, Worker } from 'bullmq'
import { Redis, type RedisOptions } from 'ioredis'
import type { Lifecycle } from '../lifecycle.ts'
import type { Log } from '../log.ts'
import { Problem } from '../problem.ts'
import { queueTelemetry } from '../telemetry/queue-telemetry.ts'
import type { QueueBackend } from './backend.ts'
import { queueProblems } from './problems.ts'

/** In braces, so that all keys of all queues fall into one slot of a Redis Cluster. */
const prefix = '{tidegate}'

/** Reconnecting must be quick after a short outage and calm during a long one; units: ms. */
const retryStrategy = (attempt: number): number => Math.min(50 * 2 ** Math.min(attempt, 6), 2000)

export type RedisBackendOptions = {
  readonly url: string
  readonly producerTimeoutMs: number
  readonly workersCount: number
  /** Each worker has two, one of which waits for jobs. */
  readonly connectionsMax: number | undefined
}

/**
 * Two clients, since they want opposite things: an HTTP request that enqueues must fail at once while Redis is away,
 * a worker must wait for it however long it takes (ioredis' defaults do neither: 20 retries are about 70 seconds).
 */
export async function openRedisBackend(
  { url, producerTimeoutMs, workersCount, connectionsMax = Infinity }: RedisBackendOptions,
  { log, lifecycle }: { readonly log: Log; readonly lifecycle: Lifecycle },
): Promise<QueueBackend> {
  const connections = 1 + 2 * workersCount
  if (connections > connectionsMax) {
    throw new Error(
      `REDIS_MAX_CONNECTIONS is ${connectionsMax}, and ${workersCount} workers need ${connections}: raise it`,
    )
  }
  const producer = connect(url, log, {
    connectTimeout: 2000,
    commandTimeout: producerTimeoutMs,
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
  })
  lifecycle.defer('queue producer connection', async () => producer.disconnect())
  await firstConnection(producer)
  await warnOfEviction(producer, log)
  const shared = { prefix, telemetry: queueTelemetry() }

  return {
    kind: 'redis',
    queue(name) {
      if (producer.status !== 'ready') {
        throw new Problem(queueProblems.unavailable, `Redis is ${producer.status}`)
      }
      // Without these two it would first ask Redis for its version, and stay broken if that one question failed.
      const eager = { skipWaitingForReady: true, skipVersionCheck: true, skipMetasUpdate: true }
      const queue = new Queue(name, { ...shared, ...eager, connection: producer })
      queue.on('error', (error) => log.debug({ err: error, queue: name }, 'queue error'))
      return queue
    },
    worker(name, processor, settings) {
      const connection = connect(url, log, { connectTimeout: 2000, maxRetriesPerRequest: null })
      const worker = new Worker(name, (job, token, signal) => processor(job, token, signal), {
        ...shared,
        ...settings,
        connection,
      })
      // Not on stop: while Redis is away, closing goes on until it is back or the process has exited.
      worker.on('closed', () => connection.disconnect())
      return worker
    },
    async ping() {
      await producer.ping()
    },
    onReturn: (listener) => void producer.on('ready', listener),
  }
}

function connect(url: string, log: Log, options: RedisOptions): Redis {
  const redis = new Redis(url, {
    ...options,
    retryStrategy,
    connectionName: 'tidegate-queue',
    replyMapping: 'legacy',
  })
  let isLost = false
  redis.on('error', (error: Error) => {
    if (!isLost) {
      isLost = true
      log.warn({ err: error }, 'queue connection lost')
    }
  })
  redis.on('ready', () => {
    if (isLost) {
      isLost = false
      log.info('queue connection restored')
    }
  })
  return redis
}

/** Gives a healthy Redis the moment it needs, so that the first enqueue of the process does not fail. */
async function firstConnection(redis: Redis): Promise<void> {
  const settled = Promise.withResolvers<void>()
  redis.once('ready', settled.resolve)
  redis.once('close', settled.resolve)
  await settled.promise
}

/** A cache's eviction policy under the queues deletes jobs when memory runs out, silently. */
async function warnOfEviction(redis: Redis, log: Log): Promise<void> {
  const memory = await redis.info('memory').catch(() => '')
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1]
  if (policy !== undefined && policy !== 'noeviction') {
    log.error(
      { policy },
      'redis may evict jobs: set maxmemory-policy to noeviction, or give the queues a redis of their own',
    )
  }
}
