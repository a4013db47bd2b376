import type { z } from 'zod'
import type { Lifecycle } from '../lifecycle.ts'
import type { Log } from '../log.ts'
import { Problem } from '../problem.ts'
import { retention, type JobQueue, type QueueBackend } from './backend.ts'
import type { JobDefinition } from './define-job.ts'
import { openPostgresBackend } from './postgres-backend.ts'
import { queueProblems } from './problems.ts'
import { openRedisBackend } from './redis-backend.ts'

/** Where the queues live: in Redis when a URL is given, else in the database. */
export type QueueOptions = {
  readonly redisUrl: string | undefined
  readonly databaseUrl: string
  /** How long adding a job may take before it fails. */
  readonly producerTimeoutMs: number
}

export type EnqueueOptions = {
  /** While a job with this key waits or runs, enqueueing another one does nothing. */
  readonly key?: string
  readonly delayMs?: number
}

/** How many jobs of a queue are in which state. */
export type QueueCounts = Readonly<Record<'waiting' | 'active' | 'delayed' | 'failed', number>>

/** The producer's side of the queues; `startWorkers` is the other one. */
export type Queues = {
  readonly backend: QueueBackend
  /** Enqueues a job and returns its id. Call after COMMIT, never inside a transaction.
   *  @throws {Problem} queue/payload-invalid, or queue/unavailable within about a second */
  enqueue<Payload extends z.ZodType>(
    job: JobDefinition<never, Payload>,
    payload: z.input<Payload>,
    options?: EnqueueOptions,
  ): Promise<string>
  /** The underlying queue, opened once.  @throws {Problem} queue/unavailable */
  queue(name: string): JobQueue
  counts(name: string): Promise<QueueCounts>
  /** Fails when the queues cannot be reached. */
  ping(): Promise<void>
}

/** Opens the producer's side. A Redis that is away does not keep the process from starting. */
export async function openQueues(
  options: QueueOptions,
  { log, lifecycle }: { readonly log: Log; readonly lifecycle: Lifecycle },
): Promise<Queues> {
  const { redisUrl, databaseUrl, producerTimeoutMs } = options
  const backend = redisUrl
    ? await openRedisBackend({ url: redisUrl, producerTimeoutMs }, { log, lifecycle })
    : await openPostgresBackend(databaseUrl, { log, lifecycle })
  const open = new Map<string, JobQueue>()
  lifecycle.defer('queues', async () => {
    await Promise.all([...open.values()].map((one) => one.close()))
  })

  function queue(name: string): JobQueue {
    const opened = open.get(name) ?? backend.queue(name)
    open.set(name, opened)
    return opened
  }

  return {
    backend,
    queue,
    async enqueue(job, payload, { key, delayMs } = {}) {
      const data = checkPayload(job, payload)
      const added = await reach(() =>
        queue(job.queue).add(job.name, data, {
          ...jobOptions(job),
          ...(key !== undefined && { deduplication: { id: key } }),
          ...(delayMs !== undefined && { delay: delayMs }),
        }),
      )
      return added.id ?? ''
    },
    async counts(name) {
      const counts = await reach(() =>
        queue(name).getJobCounts('waiting', 'active', 'delayed', 'failed'),
      )
      const { waiting = 0, active = 0, delayed = 0, failed = 0 } = counts
      return { waiting, active, delayed, failed }
    },
    ping: () => reach(() => backend.ping()),
  }
}

/** How BullMQ is told about a job's attempts and what it keeps. */
export function jobOptions(job: JobDefinition<never>) {
  return {
    attempts: job.attemptsMax,
    backoff: { type: 'exponential', delay: job.backoffMs, jitter: 0.5 },
    ...retention,
  }
}

/** Checks a payload and returns it as it was given: parsing happens again when the job runs.
 *  @throws {Problem} queue/payload-invalid */
export function checkPayload(job: JobDefinition<never>, payload: unknown): unknown {
  const parsed = job.payload.safeParse(payload)
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => ({
      detail: issue.message,
      pointer: `#/${issue.path.join('/')}`,
    }))
    throw new Problem(queueProblems.payloadInvalid, `${job.queue}/${job.name}`, { faults })
  }
  return payload
}

/** Whatever a backend throws while it is away is one problem to our callers. */
async function reach<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Problem) {
      throw error
    }
    throw new Problem(queueProblems.unavailable, 'The queue did not answer.', { cause: error })
  }
}
