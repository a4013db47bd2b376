import type { Client } from 'pg'
import type { Clock } from '../clock.ts'
import type { Lifecycle } from '../lifecycle.ts'
import type { Log } from '../log.ts'
import { readChanges } from './catch-up.ts'
import { changesChannel } from './change.ts'
import type { ChangeLog } from './change-log.ts'
import { connectFollower, discard, type ConnectionOptions } from './follower-connection.ts'
import { covers } from './snapshot.ts'

export type FollowerOptions = ConnectionOptions & {
  /** The longest between two catch-ups that nothing asked for. */
  readonly pollMs: number
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
  /** Runs a statement on the same connection, between two catch-ups. For what must not wait for the pool.
   *  @throws {Error} while there is none */
  send(text: string, values: readonly unknown[]): Promise<void>
  /** Is told of notifications on another channel. */
  listen(channel: string, listener: (payload: string) => void): void
}

type Needs = { readonly clock: Clock; readonly log: Log; readonly lifecycle: Lifecycle }

/** Between two attempts to connect. Short, since without a connection answers go out unconfirmed. */
const reconnectMs = 200

/** Begins to follow, and ends with the lifecycle. */
export function startFollower(
  options: FollowerOptions,
  changes: ChangeLog,
  needs: Needs,
): Follower {
  const follower = new ChangeFollower(options, changes, needs)
  needs.lifecycle.defer('change log', () => follower.stop())
  needs.lifecycle.background('change log', follower.follow())
  return follower
}

/** One catch-up at a time. What is asked for while one is under way is answered by the next. */
class ChangeFollower implements Follower {
  readonly #options: FollowerOptions
  readonly #changes: ChangeLog
  readonly #needs: Needs
  readonly #stopped = new AbortController()
  readonly #listeners = new Map<string, (payload: string) => void>()
  #client: Client | undefined
  #connections = 0
  #confirmedAtMs = -Infinity
  #isLost = false
  /** Who waits for the next catch-up. */
  #wanted: PromiseWithResolvers<void> | undefined
  /** Ends the pause before it. */
  #nudge = Promise.withResolvers<void>()

  constructor(options: FollowerOptions, changes: ChangeLog, needs: Needs) {
    this.#options = options
    this.#changes = changes
    this.#needs = needs
  }

  catchUp(): Promise<void> {
    this.#wanted ??= Promise.withResolvers<void>()
    this.#wanted.promise.catch(() => undefined) // whoever asked has it too
    this.#nudge.resolve()
    return this.#wanted.promise
  }

  confirmedAtMs(): number {
    return this.#confirmedAtMs
  }

  connections(): number {
    return this.#connections
  }

  async send(text: string, values: readonly unknown[]): Promise<void> {
    if (!this.#client) {
      throw new Error('the change log is not connected')
    }
    await this.#client.query(text, [...values])
  }

  listen(channel: string, listener: (payload: string) => void): void {
    this.#listeners.set(channel, listener)
    void this.#client?.query(`listen ${channel}`).catch(() => undefined)
  }

  async follow(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      await this.#followOnce()
      await this.#pause()
    }
    this.#wanted?.reject(new Error('the process stops'))
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#client?.end().catch(() => undefined)
  }

  async #followOnce(): Promise<void> {
    const waiting = this.#wanted
    this.#wanted = undefined
    try {
      this.#client ??= await this.#connect()
      await this.#catchUpOn(this.#client)
      waiting?.resolve()
      this.#found()
    } catch (error) {
      if (this.#client) {
        discard(this.#client)
        this.#client = undefined
      }
      waiting?.reject(error)
      this.#missed(error)
    }
  }

  async #connect(): Promise<Client> {
    const client = await connectFollower(
      this.#options,
      [...this.#listeners.keys()],
      (channel, payload) => this.#notified(channel, payload),
      (lost) => {
        this.#client = this.#client === lost ? undefined : this.#client
        this.#nudge.resolve()
      },
    )
    this.#connections += 1
    return client
  }

  async #catchUpOn(client: Client): Promise<void> {
    const sentAtMs = this.#needs.clock.monotonicMs()
    const { cursor } = this.#changes
    const found = await readChanges(client, cursor)
    if (cursor && found.epoch === this.#changes.epoch && !covers(found.snapshot, cursor)) {
      // The database is in a past that we have been beyond: it was restored. Its next transactions take ids again.
      await client.query('select rotate_cache_epoch()')
      throw new Error('the database has gone back in time; the cache begins anew')
    }
    this.#changes.apply(found)
    this.#confirmedAtMs = sentAtMs
  }

  #notified(channel: string, payload: string): void {
    if (channel === changesChannel) {
      this.#nudge.resolve()
    } else {
      this.#listeners.get(channel)?.(payload)
    }
  }

  /** After a failure nobody shortens the pause, or whoever asks would make us try without end. */
  async #pause(): Promise<void> {
    const delayMs = this.#isLost ? reconnectMs : this.#wanted ? 0 : this.#options.pollMs
    if (delayMs > 0) {
      const over = new AbortController()
      const signal = AbortSignal.any([over.signal, this.#stopped.signal])
      const asleep = this.#needs.clock.sleep(delayMs, signal).catch(() => undefined)
      await (this.#isLost ? asleep : Promise.race([asleep, this.#nudge.promise]))
      over.abort()
    }
    this.#nudge = Promise.withResolvers<void>()
  }

  #found(): void {
    if (this.#isLost) {
      this.#isLost = false
      this.#needs.log.info('change log followed again')
    }
  }

  #missed(error: unknown): void {
    if (!this.#isLost && !this.#stopped.signal.aborted) {
      this.#isLost = true
      this.#needs.log.warn(
        { err: error },
        'change log cannot be followed; answers are not confirmed',
      )
    }
  }
}
