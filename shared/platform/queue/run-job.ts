import { DelayedError, UnrecoverableError, WaitingError } from 'bullmq'
import { z } from 'zod'
import { isOutage } from '../database/outage.ts'
import type { Transaction } from '../database/transaction.ts'
import type { DeathReason } from '../delivery/dead-letter.ts'
import type { Log } from '../log.ts'
import { safeMessage } from '../loggable-error.ts'
import { Problem, kinds } from '../problem.ts'
import { currentTraceId, markFailed } from '../telemetry/spans.ts'
import type { QueuedJob } from './backend.ts'
import { bury } from './dead-letters.ts'
import type { JobDefinition, JobResult, JobRun } from './define-job.ts'
import {
  completeWith,
  recordEnd,
  recordProgress,
  recordStart,
  type RecordSlice,
} from './job-runs.ts'
import { limitTime, lockLost } from './limit-time.ts'
import { queueProblems } from './problems.ts'

/** One attempt at one job, as BullMQ hands it over. */
export type Delivery = {
  readonly queue: string
  readonly queued: QueuedJob
  readonly token: string | undefined
  /** Aborted when this process stops, or with `lockLost` when it is no longer its job. */
  readonly cancelled: AbortSignal
}

/** Looks a job up by its name within the queue. */
export type FindJob<S> = (name: string) => JobDefinition<S> | undefined

type Slice = RecordSlice & { readonly log: Log }

/** Runs one attempt and records it. What it throws tells BullMQ what comes next: an `UnrecoverableError` ends the job,
 *  a `WaitingError` puts it back uncounted, anything else is tried again after the job's backoff. */
export async function runJob<S extends Slice>(
  slice: S,
  findJob: FindJob<S>,
  delivery: Delivery,
): Promise<JobResult> {
  const { queue, queued } = delivery
  const attempt = queued.attemptsStarted
  const log = slice.log.child({ queue, job: queued.name, queuedId: queued.id, attempt })
  const job = findJob(queued.name)
  const runId = await begin(slice, delivery, log)
  if (runId === undefined) {
    log.info('job was completed by an earlier run')
    return {}
  }
  try {
    const result = await attemptOnce(slice, job, { ...delivery, attempt, log, runId })
    await recordEnd(slice, runId, { state: 'completed', rows: result.rows }).catch(
      (error: unknown) => log.error({ err: error, runId }, 'job run not recorded'),
    )
    log.info({ rows: result.rows }, 'job completed')
    return result
  } catch (error) {
    const failed = { state: 'failed', error: describe(error) } as const
    await recordEnd(slice, runId, failed).catch((cause: unknown) =>
      log.error({ err: cause, runId }, 'job run not recorded'),
    )
    throw await consequence(slice, { error, job, delivery, log })
  }
}

/** While the database is away no job can do its work, and that is no fault of the jobs: they come back a little later, and it
 *  counts as no attempt. */
const outagePauseMs = 2000

async function begin(slice: Slice, delivery: Delivery, log: Log): Promise<string | undefined> {
  const { queued, token } = delivery
  try {
    return await recordStart(slice, { ...describeJob(delivery), attempt: queued.attemptsStarted })
  } catch (error) {
    if (!isOutage(error) || delivery.cancelled.aborted) {
      throw error
    }
    log.warn({ err: error }, 'job put off: the database does not answer')
    await queued.moveToDelayed(slice.clock.now().getTime() + outagePauseMs, token)
    throw new DelayedError()
  }
}

/** What is told of a job, in its record and when it dies. */
export function describeJob({ queue, queued }: Pick<Delivery, 'queue' | 'queued'>) {
  const { id: jobId = '', name, data: payload } = queued
  return {
    queue,
    jobId,
    name,
    payload,
    organisationId: organisationOf(payload),
    traceId: currentTraceId(),
  }
}

const ownedPayload = z.object({ organisationId: z.uuid() })

/** Payloads name the organisation that they are for in one way. */
function organisationOf(payload: unknown): string | undefined {
  return ownedPayload.safeParse(payload).data?.organisationId
}

type Attempt = Delivery & { readonly attempt: number; readonly log: Log; readonly runId: string }

async function attemptOnce<S extends Slice>(
  slice: S,
  job: JobDefinition<S> | undefined,
  run: Attempt,
): Promise<JobResult> {
  if (!job) {
    throw new Problem(queueProblems.jobUnknown, `${run.queued.name} in ${run.queue}`)
  }
  const payload = job.payload.safeParse(run.queued.data)
  if (!payload.success) {
    const detail = payload.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    throw new Problem(queueProblems.payloadInvalid, detail.join('; '), { cause: payload.error })
  }
  const limit = limitTime(job.timeoutMs, run.cancelled)
  try {
    const context = contextOf(slice, run, limit.signal)
    const work = slice.db.watch.unhurried(job.slowStatementMs, () =>
      job.run(slice, payload.data, context),
    )
    return await Promise.race([work, limit.reached])
  } finally {
    limit.clear()
  }
}

const progressEveryMs = 1000

function contextOf(slice: Slice, run: Attempt, signal: AbortSignal): JobRun {
  const { attempt, log, runId, queue, queued } = run
  let saidAtMs = -Infinity
  return {
    signal,
    attempt,
    runId,
    log,
    async progress(done, total) {
      const nowMs = slice.clock.monotonicMs()
      if (nowMs - saidAtMs < progressEveryMs || total <= 0) {
        return
      }
      saidAtMs = nowMs
      const ratio = Math.min(1, Math.max(0, done / total))
      await recordProgress(slice, runId, ratio).catch((error: unknown) =>
        log.debug({ err: error }, 'progress not recorded'),
      )
    },
    once: <T>(work: (tx: Transaction) => Promise<T>): Promise<T> =>
      completeWith(slice, { queue, jobId: queued.id ?? '' }, runId, (tx) => {
        signal.throwIfAborted()
        return work(tx)
      }),
  }
}

type Failure<S> = {
  readonly error: unknown
  readonly job: JobDefinition<S> | undefined
  readonly delivery: Delivery
  readonly log: Log
}

async function consequence<S>(slice: Slice, failure: Failure<S>): Promise<unknown> {
  const { error, job, delivery, log } = failure
  const { cancelled, queued, token } = delivery
  if (cancelled.aborted && cancelled.reason !== lockLost) {
    log.info('job put back because the process stops')
    await queued.moveToWait(token)
    return new WaitingError()
  }
  if (cancelled.aborted || isOf(error, queueProblems.superseded)) {
    log.warn({ err: error }, 'job left to another worker')
    return error
  }
  markFailed()
  const reason = deathOf(error, queued)
  if (reason === undefined) {
    log.warn({ err: error }, 'job attempt failed')
    return error
  }
  await giveUp(slice, { error, job, delivery, log }, reason)
  return reason === 'attempts-used-up' ? error : new UnrecoverableError(describe(error))
}

async function giveUp<S>(
  slice: Slice,
  { error, job, delivery, log }: Failure<S>,
  reason: DeathReason,
): Promise<void> {
  if (job?.whenGivenUp === 'next-run') {
    log.error({ err: error, reason }, 'job given up until its next run')
    return
  }
  log.error({ err: error, reason }, 'job given up; it is kept as a dead letter')
  const attempts = delivery.queued.attemptsMade + 1
  const death = { ...describeJob(delivery), reason, error: describe(error), attempts }
  await bury(slice, death).catch((cause: unknown) =>
    log.error({ err: cause }, 'dead letter not kept yet; it is collected from the queue later'),
  )
}

/** Undefined: it is tried again. */
function deathOf(error: unknown, { attemptsMade, opts }: QueuedJob): DeathReason | undefined {
  if (isOf(error, queueProblems.payloadInvalid)) {
    return 'payload-invalid'
  }
  if (isOf(error, queueProblems.jobUnknown)) {
    return 'job-unknown'
  }
  if (error instanceof Problem && kinds[error.type.kind].job === 'give-up') {
    return 'not-repeatable'
  }
  return attemptsMade + 1 >= (opts.attempts ?? 1) ? 'attempts-used-up' : undefined
}

function isOf(error: unknown, type: Problem['type']): boolean {
  return error instanceof Problem && error.type === type
}

function describe(error: unknown): string {
  return error instanceof Error ? safeMessage(error) : String(error)
}
