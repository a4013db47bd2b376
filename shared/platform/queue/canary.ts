import type { Clock } from '../clock.ts'
import type { Lifecycle } from '../lifecycle.ts'
import type { Log } from '../log.ts'
import type { Random } from '../random.ts'
import type { Queues } from './queues.ts'

/** Tells whether this process consumes: by a job that it did, never by what its worker says of itself, for a worker can be
 *  connected, running and deaf (bullmq#4585). */
export type Canary = {
  /** How long ago this process last did one of the jobs, or was started. */
  ageMs(): number
}

type Slice = {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly lifecycle: Lifecycle
  readonly queues: Queues
}

/** The queue that all processes share: each adds to it, and whoever is ready takes, in turn. Its jobs are not recorded. */
export const canaryQueue = 'canary'

const everyMs = 5_000

/** Begins to sing, and ends with the lifecycle. Takes one worker of the backend. */
export function startCanary(slice: Slice): Canary {
  const { clock, random, log, lifecycle, queues } = slice
  const self = random.uuid()
  const stopped = new AbortController()
  let lastMs = clock.monotonicMs()
  const worker = queues.backend.worker(
    canaryQueue,
    async () => {
      lastMs = clock.monotonicMs()
      return {}
    },
    { concurrency: 1, removeOnComplete: { count: 0 }, removeOnFail: { count: 0 } },
  )
  worker.on('error', (error) => log.debug({ err: error }, 'canary error'))
  lifecycle.defer('canary', async () => {
    stopped.abort()
    await Promise.race([worker.close(), clock.sleep(1000)])
  })

  async function sing(): Promise<void> {
    while (!stopped.signal.aborted) {
      const options = { deduplication: { id: self }, removeOnComplete: true, removeOnFail: true }
      await queues
        .ask(canaryQueue, (queue) => queue.add('sing', {}, options))
        .catch((error: unknown) => log.debug({ err: error }, 'canary not added'))
      await clock.sleep(everyMs, stopped.signal).catch(() => undefined)
    }
  }
  lifecycle.background('canary', sing())
  return { ageMs: () => clock.monotonicMs() - lastMs }
}
