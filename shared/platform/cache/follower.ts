import { Client } from 'pg'
import type { Clock } from '../clock.ts'
import type { Lifecycle } from '../lifecycle.ts'
import type { Log } from '../log.ts'
import { readChanges } from './catch-up.ts'
import { changesChannel } from './change.ts'
import type { CatchUp, ChangeLog } from './change-log.ts'
import { covers } from './snapshot.ts'

export type FollowerOptions = {
  /** A direct connection: behind a pooler that changes connections between transactions LISTEN hears nothing. */
  readonly url: string
  readonly applicationName: string
  /** The longest between two catch-ups that nothing asked for. */
  readonly pollMs: number
  /** How long a catch-up may take before its connection is given up. */
  readonly timeoutMs: number
}

/** Follows the table `change_log` on a connection of its own, so that a full pool does not blind the cache. */
export type Follower = {
  /** Resolves when a catch-up is over that was sent after this call: everything committed before the call is in the local
   *  log. Callers share one.  @throws {Error} when the database does not answer */
  catchUp(): Promise<void>
  /** When the last successful catch-up was sent, on the monotonic clock; nothing that was committed before is unknown. */
  confirmedAtMs(): number
  /** How many connections there have been: each may have led to another database. */
  connections(): number
  /** Runs a statement on the same connection, between two catch-ups. For what must not wait for the pool. */
  send(text: string, values: readonly unknown[]): Promise<void>
  /** Is told of notifications on another channel. */
  listen(channel: string, listener: (payload: string) => void): void
}

type Needs = { readonly clock: Clock; readonly log: Log; readonly lifecycle: Lifecycle }

/** Between two attempts to connect. Short, since without a connection answers go out unconfirmed. */
const reconnectMs = 200

export function startFollower(
  options: FollowerOptions,
  changes: ChangeLog,
  { clock, log, lifecycle }: Needs,
): Follower {
  const stopped = new AbortController()
  const listeners = new Map<string, (payload: string) => void>()
  let confirmedAtMs = -Infinity
  let wanted: PromiseWithResolvers<void> | undefined
  let nudge = Promise.withResolvers<void>()
  let client: Client | undefined
  let isLost = false
  let connections = 0

  const wake = (): void => nudge.resolve()

  async function connect(): Promise<Client> {
    const opened = new Client({
      connectionString: options.url,
      application_name: options.applicationName,
      connectionTimeoutMillis: options.timeoutMs,
      query_timeout: options.timeoutMs,
      statement_timeout: options.timeoutMs,
      keepAlive: true,
    })
    opened.on('error', () => void (client = undefined))
    opened.on('end', () => {
      client = client === opened ? undefined : client
      wake()
    })
    opened.on('notification', ({ channel, payload = '' }) => {
      if (channel === changesChannel) {
        wake()
      } else {
        listeners.get(channel)?.(payload)
      }
    })
    try {
      await opened.connect()
      // Catch-ups are timed by us and must see what is committed, whatever the defaults of the database are.
      await opened.query(`set default_transaction_isolation = 'read committed'`)
      for (const channel of [changesChannel, ...listeners.keys()]) {
        await opened.query(`listen ${channel}`)
      }
      connections += 1
      return opened
    } catch (error) {
      discard(opened)
      throw error
    }
  }

  async function readOn(connected: Client): Promise<CatchUp> {
    const { cursor, epoch } = changes
    const found = await readChanges(connected, cursor)
    if (cursor === undefined || found.epoch !== epoch || covers(found.snapshot, cursor)) {
      return found
    }
    // The database is in a past that we have been beyond: it was restored. Its next transactions take ids again. A crash
    // leads back as well, but into another epoch, in which nothing of before counts.
    log.warn('the database has gone back in time; the cache begins anew')
    await connected.query('select rotate_cache_epoch()')
    changes.restart()
    return readChanges(connected, undefined)
  }

  async function followOnce(): Promise<void> {
    const waiting = wanted
    wanted = undefined
    try {
      client ??= await connect()
      const sentAtMs = clock.monotonicMs()
      changes.apply(await readOn(client))
      confirmedAtMs = sentAtMs
      waiting?.resolve()
      if (isLost) {
        isLost = false
        log.info('change log followed again')
      }
    } catch (error) {
      if (client) {
        discard(client)
        client = undefined
      }
      waiting?.reject(error)
      if (!isLost && !stopped.signal.aborted) {
        isLost = true
        log.warn({ err: error }, 'change log cannot be followed; answers are not confirmed')
      }
    }
  }

  async function follow(): Promise<void> {
    while (!stopped.signal.aborted) {
      await followOnce()
      const pauseMs = isLost ? reconnectMs : wanted ? 0 : options.pollMs
      await pause(pauseMs)
    }
    wanted?.reject(new Error('the process stops'))
  }

  async function pause(delayMs: number): Promise<void> {
    if (delayMs > 0) {
      const timer = new AbortController()
      const asleep = clock.sleep(delayMs, AbortSignal.any([timer.signal, stopped.signal]))
      // After a failure nobody shortens the pause, or whoever asks would make us try without end.
      await (isLost ? asleep : Promise.race([asleep, nudge.promise])).catch(() => undefined)
      asleep.catch(() => undefined)
      timer.abort()
    }
    nudge = Promise.withResolvers<void>()
  }

  lifecycle.defer('change log', async () => {
    stopped.abort()
    await client?.end().catch(() => undefined)
  })
  lifecycle.background('change log', follow())

  return {
    catchUp() {
      wanted ??= Promise.withResolvers<void>()
      wanted.promise.catch(() => undefined) // whoever asked has it too
      wake()
      return wanted.promise
    },
    confirmedAtMs: () => confirmedAtMs,
    connections: () => connections,
    async send(text, values) {
      if (!client) {
        throw new Error('the change log is not connected')
      }
      await client.query(text, [...values])
    },
    listen(channel, listener) {
      listeners.set(channel, listener)
      void client?.query(`listen ${channel}`).catch(() => undefined)
    },
  }
}

/** Ends a connection on which an answer may still be outstanding, without waiting for the server. */
function discard(client: Client): void {
  client.removeAllListeners('notification')
  client.on('error', () => undefined)
  client.end().catch(() => undefined)
  client.connection?.stream?.destroy()
}
