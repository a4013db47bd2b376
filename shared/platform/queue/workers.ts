import type { Lifecycle } from '../lifecycle.ts'
import type { Log } from '../log.ts'
import { retention, type JobWorker } from './backend.ts'
import type { JobDefinition } from './define-job.ts'
import type { RecordSlice } from './job-runs.ts'
import type { Queues } from './queues.ts'
import { runJob } from './run-job.ts'

/** What every worker needs, besides what its jobs need. */
export type WorkerSlice = RecordSlice & {
  readonly log: Log
  readonly lifecycle: Lifecycle
  readonly queues: Pick<Queues, 'backend'>
}

export type WorkerLimits = {
  /** Jobs at a time, per queue. */
  readonly concurrency: number
  /** How long running jobs may go on after the process was told to stop, before they are aborted and put back. */
  readonly stopGraceMs: number
}

/** Starts one worker per queue for all jobs listed. Stops with the lifecycle: running jobs get their grace,
 *  are then aborted and put back, and no connection is waited for longer than that. */
export function startWorkers<Slice extends WorkerSlice>(
  slice: Slice,
  jobs: readonly JobDefinition<Slice>[],
  limits: WorkerLimits,
): void {
  for (const [queue, ofQueue] of byQueue(jobs)) {
    const worker = slice.queues.backend.worker(
      queue,
      (queued, token, signal) => {
        const stopping = signal ?? neverAborted
        return runJob(slice, (name) => ofQueue.get(name), { queue, queued, token, stopping })
      },
      { concurrency: limits.concurrency, ...retention },
    )
    worker.on('error', (error) => slice.log.warn({ err: error, queue }, 'worker error'))
    worker.on('stalled', (id) => slice.log.warn({ queue, queuedId: id }, 'job stalled'))
    slice.lifecycle.defer(`worker of ${queue}`, () => stopWorker(worker, limits, slice))
  }
}

const neverAborted = new AbortController().signal

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
