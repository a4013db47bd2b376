import { hash } from 'node:crypto'
import type { z } from 'zod'
import type { Lifecycle } from '../lifecycle.ts'
import type { Log } from '../log.ts'
import { Problem } from '../problem.ts'
import type { Random } from '../random.ts'
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
  /** The workers that this process will start; each holds connections of its own. */
  readonly workersCount?: number
  /** Connections to Redis that the workers may use. */
  readonly connectionsMax?: number
}

export type EnqueueOptions = {
  /** While a job with this key waits or runs, enqueueing another one does nothing. */
  readonly key?: string
  readonly delayMs?: number
  /** Instead of one at random or by the job's idempotency key; never a number, never with a colon. */
  readonly jobId?: string
}

/** What enqueueing needs to know of a job, which a process that cannot import it has from `job_definitions`. */
export type Enqueueable = Pick<JobDefinition<never>, 'queue' | 'name' | 'attemptsMax' | 'backoffMs'>

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
  /** Enqueues what was checked elsewhere.  @throws {Problem} queue/unavailable */
  enqueueChecked(
    job: Enqueueable,
    data: unknown,
    options: EnqueueOptions & { readonly jobId: string },
  ): Promise<string>
  /** The underlying queue, opened once.  @throws {Problem} queue/unavailable */
  queue(name: string): JobQueue
  /** Asks a queue; whatever it throws while the backend is away is one problem.  @throws {Problem} queue/unavailable */
  ask<T>(name: string, question: (queue: JobQueue) => Promise<T>): Promise<T>
  counts(name: string): Promise<QueueCounts>
  /** Fails when the queues cannot be reached. */
  ping(): Promise<void>
}

/** As which BullMQ counts on PostgreSQL what waits in a queue that an operator has paused; on Redis it has no such state. */
const pausedName: string = 'paused'
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its type of states does not know it (6.7.0)
const pausedState = pausedName as 'waiting'

type Needs = { readonly log: Log; readonly lifecycle: Lifecycle; readonly random: Random }

/** Opens the producer's side. A Redis that is away does not keep the process from starting. */
export async function openQueues(
  options: QueueOptions,
  { log, lifecycle, random }: Needs,
): Promise<Queues> {
  const { redisUrl, databaseUrl, producerTimeoutMs, workersCount = 0, connectionsMax } = options
  const backend = redisUrl
    ? await openRedisBackend(
        { url: redisUrl, producerTimeoutMs, workersCount, connectionsMax },
        { log, lifecycle },
      )
    : await openPostgresBackend({ url: databaseUrl, workersCount }, { log, lifecycle })
  const open = new Map<string, JobQueue>()
  lifecycle.defer('queues', async () => {
    await Promise.all([...open.values()].map((one) => one.close()))
  })

  function queue(name: string): JobQueue {
    const opened = open.get(name) ?? backend.queue(name)
    open.set(name, opened)
    return opened
  }

  const ask: Queues['ask'] = (name, question) => reach(() => question(queue(name)))

  async function enqueueChecked(
    job: Enqueueable,
    data: unknown,
    { jobId, key, delayMs }: EnqueueOptions & { readonly jobId: string },
  ): Promise<string> {
    const added = await ask(job.queue, (one) =>
      one.add(job.name, data, {
        ...jobOptions(job),
        jobId,
        ...(key !== undefined && { deduplication: { id: key } }),
        ...(delayMs !== undefined && { delay: delayMs }),
      }),
    )
    return added.id ?? jobId
  }

  return {
    backend,
    queue,
    ask,
    enqueueChecked,
    async enqueue(job, payload, more = {}) {
      const data = checkPayload(job, payload)
      const jobId = more.jobId ?? idempotentId(job, payload) ?? random.uuid()
      return enqueueChecked(job, data, { ...more, jobId })
    },
    async counts(name) {
      const counts: Readonly<Record<string, number>> = await ask(name, (one) =>
        one.getJobCounts('waiting', pausedState, 'active', 'delayed', 'failed'),
      )
      const { waiting: unpaused = 0, paused = 0, active = 0, delayed = 0, failed = 0 } = counts
      const waiting = Math.max(unpaused, paused)
      return { waiting, active, delayed, failed }
    },
    ping: () => reach(() => backend.ping()),
  }
}

/** The id that all jobs of one idempotency key have. */
function idempotentId(job: JobDefinition<never>, payload: unknown): string | undefined {
  const key = job.idempotencyKey?.(job.payload.parse(payload))
  return key === undefined ? undefined : `${job.name}-${hash('sha256', key, 'base64url')}`
}

/** How BullMQ is told about a job's attempts and what it keeps. */
export function jobOptions(job: Pick<Enqueueable, 'attemptsMax' | 'backoffMs'>) {
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
