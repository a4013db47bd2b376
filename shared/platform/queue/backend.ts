import type { JobsOptions, Queue, WorkerOptions } from 'bullmq'

/** The part of BullMQ's `Queue` that we use; the same for both backends. */
export type JobQueue = Pick<
  Queue,
  | 'add'
  | 'addBulk'
  | 'upsertJobScheduler'
  | 'getJobScheduler'
  | 'getJobSchedulers'
  | 'removeJobScheduler'
  | 'getJobCounts'
  | 'getJob'
  | 'getJobState'
  | 'getJobs'
  | 'pause'
  | 'resume'
  | 'isPaused'
  | 'close'
>

/** The part of BullMQ's `Job` that a run looks at. */
export type QueuedJob = {
  readonly id?: string | undefined
  readonly name: string
  readonly data: unknown
  /** Counts what was put back as well. */
  readonly attemptsStarted: number
  /** Those that failed. */
  readonly attemptsMade: number
  readonly opts: { readonly attempts?: number | undefined }
  moveToWait(token?: string): Promise<unknown>
  /** @param timestamp milliseconds since 1970 */
  moveToDelayed(timestamp: number, token?: string): Promise<unknown>
}

/** A job that has failed; `finishedOn` is there when it will not be tried again. */
export type FailedJob = QueuedJob & { readonly finishedOn?: number | undefined }

/** BullMQ hands the signal only to a processor that declares all three parameters. */
export type Processor = (
  job: QueuedJob,
  token: string | undefined,
  signal: AbortSignal | undefined,
) => Promise<object>

/** The part of BullMQ's `Worker` that we use. */
export type JobWorker = {
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'stalled', listener: (id: string) => void): unknown
  on(event: 'failed', listener: (job: FailedJob | undefined, error: Error) => void): unknown
  on(event: 'lockRenewalFailed', listener: (ids: string[]) => void): unknown
  waitUntilReady(): Promise<void>
  cancelJob(id: string, reason?: string): boolean
  cancelAllJobs(reason?: string): void
  close(): Promise<void>
}

export type WorkerSettings = Pick<
  WorkerOptions,
  | 'concurrency'
  | 'removeOnComplete'
  | 'removeOnFail'
  | 'lockDuration'
  | 'stalledInterval'
  | 'maxStalledCount'
>

/**
 * Where the queues live. BullMQ runs on Redis or on PostgreSQL; what differs between the two ends here.
 * Both are at-least-once and survive a worker's death; Redis is several times faster.
 */
export type QueueBackend = {
  readonly kind: 'redis' | 'postgres'
  /** Opens a producer's side. Never waits.  @throws {Problem} queue/unavailable while the backend is away */
  queue(name: string): JobQueue
  /** Opens a consumer's side, which waits for a backend that is away and goes on when it is back. */
  worker(name: string, processor: Processor, settings: WorkerSettings): JobWorker
  /** Fails when the backend does not answer. */
  ping(): Promise<void>
  /** Calls back each time the backend is there again, for it may have come back empty. */
  onReturn(listener: () => void): void
}

/** How many finished jobs stay in the queue's own store; the lasting record is `job_runs`. */
export const retention = {
  removeOnComplete: { age: 24 * 3600, count: 1000 },
  removeOnFail: { age: 7 * 24 * 3600, count: 5000 },
} satisfies JobsOptions
