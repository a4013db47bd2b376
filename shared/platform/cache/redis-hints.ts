import type { Clock } from '../clock.ts'
import type { Lifecycle } from '../lifecycle.ts'
import type { Log } from '../log.ts'
import type { RedisConnection } from './redis-connection.ts'
import { judgeRedisError } from './redis-error.ts'

export type RedisHints = {
  /** Calls for every hint of another process, and after each time that some may have been missed. It must not throw. */
  onHint(listener: () => void): void
}

type Needs = {
  readonly log: Pick<Log, 'warn'>
  readonly clock: Pick<Clock, 'sleep'>
  readonly lifecycle: Pick<Lifecycle, 'defer' | 'background'>
}

/** A connection on which nothing is said for so long is asked whether it still is one: of a firewall that has forgotten it,
 *  nobody hears. */
const heartbeatMs = 15_000

/**
 * Listens on a channel, on a connection of its own, and again whenever that comes back. Hints are a courtesy: whoever hears
 * none finds out at its next look into the log of changes.
 * @param self the message of this process's own hints, which it need not hear
 */
export function openRedisHints(
  { redis }: RedisConnection,
  { channel, self }: { readonly channel: string; readonly self: string },
  { clock, lifecycle, log }: Needs,
): RedisHints {
  const stop = new AbortController()
  lifecycle.defer('redis cache hints', async () => {
    stop.abort()
    redis.disconnect()
  })
  const listeners: (() => void)[] = []
  const tell = (): void => listeners.forEach((listener) => listener())

  async function subscribe(): Promise<void> {
    try {
      await redis.subscribe(channel)
      tell()
    } catch (error) {
      // Refused by an access list, it would be refused again at once; the rest is cured by a new connection.
      if (judgeRedisError(error) === 'answered') {
        log.warn({ err: error }, 'Redis cache hints refused')
      } else if (!stop.signal.aborted) {
        redis.disconnect(true)
      }
    }
  }

  const pause = async (): Promise<boolean> =>
    clock.sleep(heartbeatMs, stop.signal).then(
      () => true,
      () => false,
    )

  async function beat(): Promise<void> {
    while (await pause()) {
      // Unanswered, it makes the connection's own time limit end it.
      await redis.ping().then(
        () => true,
        () => false,
      )
    }
  }

  redis.on('ready', () => lifecycle.background('redis cache hints', subscribe()))
  redis.on('message', (_channel: string, message: string) => {
    if (message !== self) {
      tell()
    }
  })
  lifecycle.background('redis cache heartbeat', beat())
  return { onHint: (listener) => void listeners.push(listener) }
}
