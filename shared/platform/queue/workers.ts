import type { Lifecycle } from '../lifecycle.ts'
import type { Log } from '../log.ts'
import { retention, type FailedJob, type JobWorker, type WorkerSettings } from './backend.ts'
import { bury } from './dead-letters.ts'
import type { JobDefinition } from './define-job.ts'
import { lockLost } from './limit-time.ts'
import type { RecordSlice } from './job-runs.ts'
import type { Queues } from './queues.ts'
import { RunFigures } from './run-figures.ts'
import { describeJob, runJob, type FindJob } from './run-job.ts'

/** What every worker needs, besides what its jobs need. */
export type WorkerSlice = RecordSlice & {
  readonly log: Log
  readonly lifecycle: Lifecycle
  readonly queues: Pick<Queues, 'backend'>
}

export type WorkerLimits = {
  /** How long running jobs may go on after the process was told to stop, before they are aborted and put back. */
  readonly stopGraceMs: number
  /** How long a worker holds a job without saying that it is alive. It says so twice in that time; whoever was killed or
   *  frozen for longer loses the job to another worker. */
  readonly lockMs: number
  /** How often it is looked for jobs that were lost. */
  readonly stalledCheckMs: number
}

/** A job whose worker died twice is not given to a third: it may be what kills them. */
const stalledCountMax = 1

/** Starts one worker per queue for all jobs listed. Stops with the lifecycle: running jobs get their grace,
 *  are then aborted and put back, and no connection is waited for longer than that.
 *  @throws {Error} for two jobs of one name in a queue, or of different concurrency */
export function startWorkers<Slice extends WorkerSlice>(
  slice: Slice,
  jobs: readonly JobDefinition<Slice>[],
  limits: WorkerLimits,
  figures: RunFigures = new RunFigures(slice.clock),
): void {
  const stops: (() => Promise<void>)[] = []
  // All at the same time: one after the other, a dead Redis would be given its grace once for each queue.
  slice.lifecycle.defer(
    'workers',
    async () => void (await Promise.all(stops.map((stop) => stop()))),
  )
  for (const [queue, ofQueue] of byQueue(jobs)) {
    const findJob: FindJob<Slice> = (name) => ofQueue.get(name)
    const worker = slice.queues.backend.worker(
      queue,
      (queued, token, signal) =>
        figures.measure({ queue, name: findJob(queued.name)?.name }, () =>
          runJob(slice, findJob, { queue, queued, token, cancelled: signal ?? neverAborted }),
        ),
      { ...settingsOf(limits), concurrency: concurrencyOf(queue, [...ofQueue.values()]) },
    )
    worker.on('error', (error) => slice.log.warn({ err: error, queue }, 'worker error'))
    worker.on('stalled', (id) => slice.log.warn({ queue, queuedId: id }, 'job stalled'))
    worker.on('lockRenewalFailed', (ids) => ids.forEach((id) => worker.cancelJob(id, lockLost)))
    worker.on('failed', (queued, error) => {
      if (queued && isStalledForGood(queued, error)) {
        slice.lifecycle.background('dead letter', buryStalled(slice, findJob, { queue, queued }))
      }
    })
    stops.push(() => stopWorker(worker, limits, slice))
  }
}

const neverAborted = new AbortController().signal

function settingsOf({ lockMs, stalledCheckMs }: WorkerLimits): WorkerSettings {
  return {
    lockDuration: lockMs,
    stalledInterval: stalledCheckMs,
    maxStalledCount: stalledCountMax,
    ...retention,
  }
}

function byQueue<Slice>(
  jobs: readonly JobDefinition<Slice>[],
): Map<string, Map<string, JobDefinition<Slice>>> {
  const queues = new Map<string, Map<string, JobDefinition<Slice>>>()
  for (const job of jobs) {
    const ofQueue = queues.get(job.queue) ?? new Map<string, JobDefinition<Slice>>()
    if (ofQueue.has(job.name)) {
      throw new Error(`two jobs are called ${job.name} in ${job.queue}`)
    }
    queues.set(job.queue, ofQueue.set(job.name, job))
  }
  return queues
}

function concurrencyOf(
  queue: string,
  jobs: readonly Pick<JobDefinition<never>, 'concurrency'>[],
): number {
  const [concurrency = 1, ...others] = new Set(jobs.map((job) => job.concurrency))
  if (others.length > 0) {
    throw new Error(`the jobs of ${queue} share a worker and must declare the same concurrency`)
  }
  return concurrency
}

/** BullMQ ends such a job without calling its processor. */
function isStalledForGood(queued: FailedJob, error: Error): boolean {
  return queued.finishedOn !== undefined && error.message.includes('stalled')
}

async function buryStalled<Slice extends WorkerSlice>(
  slice: Slice,
  findJob: FindJob<Slice>,
  { queue, queued }: { readonly queue: string; readonly queued: FailedJob },
): Promise<void> {
  slice.log.error(
    { queue, job: queued.name, queuedId: queued.id },
    'job given up: its workers died',
  )
  if (findJob(queued.name)?.whenGivenUp !== 'next-run') {
    const error = 'two workers died while they ran it, or were frozen'
    const attempts = queued.attemptsStarted
    await bury(slice, { ...describeJob({ queue, queued }), reason: 'stalled', error, attempts })
  }
}

/** How long an aborted job may take to be put back, and a dead connection to be given up. */
const putBackMs = 1500

/** `worker.close()` alone waits for running jobs without any limit. */
async function stopWorker(
  worker: JobWorker,
  { stopGraceMs }: WorkerLimits,
  { clock, log }: Pick<WorkerSlice, 'clock' | 'log'>,
): Promise<void> {
  const finished = new AbortController()
  const closing = worker.close().finally(() => finished.abort())
  const patience = async (): Promise<void> => {
    await clock.sleep(stopGraceMs, finished.signal)
    worker.cancelAllJobs('the process stops')
    await clock.sleep(putBackMs, finished.signal)
    log.warn('worker did not close in time; its jobs run again when their locks expire')
  }
  await Promise.race([closing, patience().catch(() => closing)])
}
