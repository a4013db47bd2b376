import { UnrecoverableError, WaitingError } from 'bullmq'
import type { Log } from '../log.ts'
import { safeMessage } from '../loggable-error.ts'
import { Problem, kinds } from '../problem.ts'
import { currentTraceId } from '../telemetry/spans.ts'
import type { QueuedJob } from './backend.ts'
import type { JobDefinition, JobResult, JobRun } from './define-job.ts'
import { recordEnd, recordStart, type RecordSlice, type RunEnd } from './job-runs.ts'
import { queueProblems } from './problems.ts'

/** One attempt at one job, as BullMQ hands it over. */
export type Delivery = {
  readonly queue: string
  readonly queued: QueuedJob
  readonly token: string | undefined
  /** Aborted when this process stops. */
  readonly stopping: AbortSignal
}

/** Looks a job up by its name within the queue. */
export type FindJob<Slice> = (name: string) => JobDefinition<Slice> | undefined

/** Runs one attempt and records it. What it throws tells BullMQ what comes next: an `UnrecoverableError` ends the job,
 *  a `WaitingError` puts it back uncounted, anything else is tried again after the job's backoff. */
export async function runJob<Slice extends RecordSlice & { readonly log: Log }>(
  slice: Slice,
  findJob: FindJob<Slice>,
  delivery: Delivery,
): Promise<JobResult> {
  const { queue, queued } = delivery
  const attempt = queued.attemptsStarted
  const log = slice.log.child({ queue, job: queued.name, queuedId: queued.id, attempt })
  const runId = await recordStart(slice, {
    queue,
    name: queued.name,
    queuedId: queued.id ?? '',
    attempt,
    traceId: currentTraceId(),
  })
  const end = (how: RunEnd): Promise<void> =>
    recordEnd(slice, runId, how).catch((error: unknown) =>
      log.error({ err: error, runId }, 'job run not recorded'),
    )
  try {
    const result = await attemptOnce(slice, findJob(queued.name), { ...delivery, attempt, log })
    await end({ state: 'completed', rows: result.rows })
    log.info({ rows: result.rows }, 'job completed')
    return result
  } catch (error) {
    await end({ state: 'failed', error: describe(error) })
    throw await consequence(error, delivery, log)
  }
}

async function attemptOnce<Slice>(
  slice: Slice,
  job: JobDefinition<Slice> | undefined,
  run: Delivery & { readonly attempt: number; readonly log: Log },
): Promise<JobResult> {
  if (!job) {
    throw new Problem(queueProblems.jobUnknown, `${run.queued.name} in ${run.queue}`)
  }
  const payload = job.payload.safeParse(run.queued.data)
  if (!payload.success) {
    const detail = payload.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    throw new Problem(queueProblems.payloadInvalid, detail.join('; '), { cause: payload.error })
  }
  const limit = limitTime(job.timeoutMs, run.stopping)
  try {
    const { attempt, log } = run
    const context: JobRun = { signal: limit.signal, attempt, log }
    return await Promise.race([job.run(slice, payload.data, context), limit.reached])
  } finally {
    limit.clear()
  }
}

/** A signal that ends with the job's time or with the process, and a promise that rejects with it: a job that does not
 *  listen to its signal must not hold its place in the queue for ever. */
function limitTime(timeoutMs: number, stopping: AbortSignal) {
  const limit = new AbortController()
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => {})
  const abort = (reason: unknown): void => {
    limit.abort(reason)
    reject(reason)
  }
  const onStop = (): void => abort(new Stopped())
  const timer = setTimeout(() => {
    abort(new Problem(queueProblems.timedOut, `It may take ${timeoutMs} ms.`))
  }, timeoutMs)
  stopping.addEventListener('abort', onStop, { once: true })
  if (stopping.aborted) {
    onStop()
  }
  return {
    signal: limit.signal,
    reached: promise,
    clear() {
      clearTimeout(timer)
      stopping.removeEventListener('abort', onStop)
    },
  }
}

/** The process stops before the job is done; nobody's fault, so it does not count as an attempt. */
class Stopped extends Error {
  override readonly name = 'AbortError'

  constructor() {
    super('stopped before it was done; it runs again')
  }
}

async function consequence(error: unknown, delivery: Delivery, log: Log): Promise<unknown> {
  if (delivery.stopping.aborted) {
    log.info('job put back because the process stops')
    await delivery.queued.moveToWait(delivery.token)
    return new WaitingError()
  }
  if (error instanceof Problem && kinds[error.type.kind].job === 'give-up') {
    log.error({ err: error }, 'job given up')
    return new UnrecoverableError(error.message)
  }
  log.warn({ err: error }, 'job attempt failed')
  return error
}

function describe(error: unknown): string {
  return error instanceof Error ? safeMessage(error) : String(error)
}
