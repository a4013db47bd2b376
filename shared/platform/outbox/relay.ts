import type { Clock } from '../clock.ts'
import { listenTo } from '../database/listen.ts'
import type { Runner } from '../database/database.ts'
import type { Lifecycle } from '../lifecycle.ts'
import type { Log } from '../log.ts'
import type { Queues } from '../queue/queues.ts'
import { withinTrace } from '../telemetry/spans.ts'
import {
  claimDue,
  deliveryJobId,
  endDead,
  fanOut,
  fanOutMax,
  outboxChannel,
  unclaim,
  type Audience,
  type Due,
} from './publish.ts'
import type { Subscriber } from './subscriber.ts'

export type RelaySlice = {
  readonly db: Runner
  readonly clock: Clock
  readonly log: Log
  readonly lifecycle: Lifecycle
  readonly queues: Pick<Queues, 'enqueue'>
}

export type RelayOptions = {
  /** For LISTEN: a direct connection. */
  readonly databaseUrl: string
  readonly applicationName: string
  readonly pollMs?: number
  readonly redeliverAfterMs?: number
}

const defaults = { pollMs: 1000, redeliverAfterMs: 60_000 }
const claimMax = 200

/**
 * Turns events into jobs, in every worker process, until the lifecycle ends: at every COMMIT that has written events, and every
 * second. The database remembers what was given to whom, so whatever dies is made good: a relay that was killed between claiming
 * and enqueueing, a Redis that lost its jobs.
 */
export function startRelay<Slice extends RelaySlice>(
  slice: Slice,
  subscribers: readonly Subscriber<Slice>[],
  options: RelayOptions,
): void {
  const relay = new Relay(slice, subscribers, { ...defaults, ...options })
  const { databaseUrl: url, applicationName } = options
  const place = { url, applicationName: `${applicationName}-outbox` }
  listenTo(outboxChannel, () => relay.wake(), place, slice)
  slice.lifecycle.defer('outbox relay', () => relay.stop())
  slice.lifecycle.background('outbox relay', relay.run())
}

class Relay<Slice extends RelaySlice> {
  readonly #slice: Slice
  readonly #subscribers: ReadonlyMap<string, Subscriber<Slice>>
  readonly #audiences: readonly Audience[]
  readonly #options: Required<RelayOptions>
  readonly #stopped = new AbortController()
  readonly #ended = Promise.withResolvers<void>()
  #nudge = Promise.withResolvers<void>()
  #isFailing = false

  constructor(
    slice: Slice,
    subscribers: readonly Subscriber<Slice>[],
    options: Required<RelayOptions>,
  ) {
    this.#slice = slice
    this.#options = options
    this.#subscribers = new Map(subscribers.map((one) => [one.name, one]))
    this.#audiences = subscribers.map(({ name, topics, job: { queue } }) => ({
      name,
      topics,
      queue,
    }))
  }

  wake(): void {
    this.#nudge.resolve()
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#ended.promise
  }

  async run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      this.#nudge = Promise.withResolvers<void>()
      const isMore = await this.#turn()
      if (!isMore) {
        await this.#pause()
      }
    }
    this.#ended.resolve()
  }

  /** @returns whether there is more at once */
  async #turn(): Promise<boolean> {
    try {
      const takenCount = await fanOut(this.#slice, this.#audiences)
      await endDead(this.#slice, this.#audiences)
      const { redeliverAfterMs } = this.#options
      const due = await claimDue(this.#slice, this.#audiences, {
        redeliverAfterMs,
        limit: claimMax,
      })
      const lost = await this.#enqueueAll(due)
      this.#tell(lost[0]?.error)
      return lost.length === 0 && (takenCount === fanOutMax || due.length === claimMax)
    } catch (error) {
      this.#tell(error)
      return false
    }
  }

  /** @returns what could not be enqueued */
  async #enqueueAll(dues: readonly Due[]): Promise<readonly { due: Due; error: unknown }[]> {
    const results = await Promise.all(
      dues.map((due) =>
        withinTrace(due.traceParent, () => this.#enqueue(due)).then(
          () => [],
          (error: unknown) => [{ due, error }],
        ),
      ),
    )
    const lost = results.flat()
    if (lost.length > 0) {
      await unclaim(
        this.#slice,
        lost.map(({ due }) => due),
      )
    }
    return lost
  }

  async #enqueue(due: Due): Promise<void> {
    const { eventId, topic, aggregateId, payload, createdAt, organisationId, subscriber } = due
    const known = this.#subscribers.get(subscriber)
    if (known) {
      const event = { eventId, topic, aggregateId, payload, createdAt }
      const owned = organisationId === null ? event : { ...event, organisationId }
      const jobId = deliveryJobId(eventId, subscriber)
      await this.#slice.queues.enqueue(known.job, owned, { jobId })
    }
  }

  #tell(error: unknown): void {
    const { log } = this.#slice
    if (error !== undefined && !this.#isFailing) {
      log.warn({ err: error }, 'outbox not relayed; its events wait')
    } else if (error === undefined && this.#isFailing) {
      log.info('outbox relayed again')
    }
    this.#isFailing = error !== undefined
  }

  async #pause(): Promise<void> {
    const over = new AbortController()
    const signal = AbortSignal.any([over.signal, this.#stopped.signal])
    const asleep = this.#slice.clock.sleep(this.#options.pollMs, signal).catch(() => undefined)
    await (this.#isFailing ? asleep : Promise.race([asleep, this.#nudge.promise]))
    over.abort()
  }
}
