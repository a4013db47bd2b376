import type { Clock } from '../clock.ts'
import type { Lifecycle } from '../lifecycle.ts'
import type { Log } from '../log.ts'
import {
  createCircuitBreaker,
  type BreakerSnapshot,
  type OperatedCircuit,
} from '../resilience/circuit-breaker.ts'
import { within } from '../resilience/within.ts'
import type { RedisConnection } from './redis-connection.ts'
import {
  judgeRedisError,
  redisErrorKind,
  redisErrorKinds,
  type RedisErrorKind,
} from './redis-error.ts'
import type { RedisPresence, RedisSubject } from './redis-presence.ts'

/** Commands that may fail, and figures of how they did. */
export type RedisCalls = {
  /** Makes a call and gives its result, or undefined: failed, took too long, or not made since Redis is known to be away.
   *  Never rejects. */
  ask<T>(call: () => Promise<T>): Promise<T | undefined>
  /** Counts an entry that was not stored. */
  drop(): 'dropped'
  /** Whether the next call has a chance. */
  usable(): boolean
  snapshot(): RedisCallsSnapshot
  readonly circuit: OperatedCircuit
}

export type RedisCallsSnapshot = {
  readonly breaker: BreakerSnapshot
  readonly isConnected: boolean
  /** Commands that failed since the start. */
  readonly errors: Readonly<Record<RedisErrorKind, number>>
  /** Entries that were not stored since the start. */
  readonly droppedCount: number
}

type Settings = {
  /** Of the circuit, in metrics. */
  readonly name: 'redis-cache' | 'redis-limits'
  readonly subject: RedisSubject
  readonly commandTimeoutMs: number
  readonly presence: RedisPresence
}

type Needs = {
  readonly clock: Clock
  readonly log: Pick<Log, 'warn'>
  readonly lifecycle: Pick<Lifecycle, 'background' | 'defer'>
}

/** While the circuit is open, so that a Redis that is back is used within seconds and not after the pause of 60 s. */
const probeEveryMs = 1000

/** A Redis that is full refuses thousands of entries a minute; the log says so once. */
const refusalPauseMs = 60_000

export function createRedisCalls(
  { redis, lastError }: RedisConnection,
  { name, subject, commandTimeoutMs, presence }: Settings,
  { clock, log, lifecycle }: Needs,
): RedisCalls {
  const errors = noErrors()
  let droppedCount = 0
  let refusedAtMs = Number.NEGATIVE_INFINITY
  const isReady = (): boolean => redis.status === 'ready'

  const breaker = createCircuitBreaker(
    {
      name,
      judge: judgeRedisError,
      probe: { run: () => redis.ping(), everyMs: probeEveryMs, timeoutMs: commandTimeoutMs },
      onTransition({ to }) {
        if (to === 'OPEN') {
          presence.lost(lastError() ?? new Error('commands are not answered in time'))
        } else if (to === 'CLOSED') {
          presence.arrived()
        }
      },
    },
    { clock, lifecycle },
  )
  redis.on('close', () => presence.lost(lastError()))
  redis.on('ready', () => presence.arrived())

  function note(error: unknown): undefined {
    const kind = redisErrorKind(error)
    errors[kind] += 1
    const isDue = clock.monotonicMs() - refusedAtMs > refusalPauseMs
    if (judgeRedisError(error) === 'answered' && isDue) {
      refusedAtMs = clock.monotonicMs()
      log.warn({ err: error, kind }, `${subject} refuses commands`)
    }
  }

  return {
    async ask(call) {
      try {
        return await breaker.run(
          () => within(commandTimeoutMs, clock, call),
          () => undefined,
        )
      } catch (error) {
        return note(error)
      }
    },
    drop() {
      droppedCount += 1
      return 'dropped'
    },
    circuit: breaker,
    usable: () => isReady() && breaker.snapshot().state !== 'OPEN',
    snapshot: () => ({
      breaker: breaker.snapshot(),
      isConnected: isReady(),
      errors: { ...errors },
      droppedCount,
    }),
  }
}

function noErrors(): Record<RedisErrorKind, number> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made from all kinds
  return Object.fromEntries(redisErrorKinds.map((kind) => [kind, 0])) as Record<
    RedisErrorKind,
    number
  >
}
