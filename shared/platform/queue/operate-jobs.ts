import type { Job } from 'bullmq'
import { sql } from 'kysely'
import { z } from 'zod'
import type { Clock } from '../clock.ts'
import type { Runner } from '../database/database.ts'
import { Problem } from '../problem.ts'
import type { Random } from '../random.ts'
import { findLetters, resolveLetter, type FoundLetter } from './dead-letters.ts'
import { findRuns, type FoundRun } from './find-runs.ts'
import type { JobId } from './job-runs.ts'
import { queueProblems } from './problems.ts'
import type { Enqueueable, Queues } from './queues.ts'

// What operators do to jobs, in a process that knows of them only what the workers have declared in the database.

export type OperateSlice = {
  readonly db: Runner
  readonly clock: Clock
  readonly random: Random
  readonly queues: Queues
}

/** One queue at a glance. */
export type QueueState = {
  readonly queue: string
  readonly isPaused: boolean
  readonly waiting: number
  readonly active: number
  readonly delayed: number
  readonly failed: number
  /** How long the job has waited that is next. */
  readonly oldestWaitingSeconds: number | undefined
}

/** All queues that workers have declared jobs in.  @throws {Problem} queue/unavailable */
export async function readQueues({ db, clock, queues }: OperateSlice): Promise<QueueState[]> {
  const rows = await db.run(sql<{ queue: string }>`
    select distinct queue from job_definitions order by queue`)
  return Promise.all(
    rows.map(({ queue }) =>
      queues.ask(queue, async (one) => {
        const [isPaused, counts, [oldest]] = await Promise.all([
          one.isPaused(),
          queues.counts(queue),
          one.getJobs(['waiting'], 0, 0, true),
        ])
        const waitedMs = oldest && clock.now().getTime() - waitingSinceMs(oldest)
        const oldestWaitingSeconds =
          waitedMs === undefined ? undefined : Math.round(waitedMs / 1000)
        return { queue, isPaused, ...counts, oldestWaitingSeconds }
      }),
    ),
  )
}

/** A job may be made long before its time: that of a schedule, or one that is tried again. */
function waitingSinceMs({ timestamp, opts, processedOn = 0 }: Job): number {
  return Math.max(timestamp + (opts.delay ?? 0), processedOn)
}

/** Everything that is known of one job. */
export type KnownJob = {
  /** What the queue says; `unknown` when it has forgotten it, or never had it. */
  readonly state: string
  readonly runs: readonly FoundRun[]
  readonly deadLetters: readonly FoundLetter[]
}

const runsMax = 50

/** @throws {Problem} queue/job-missing when neither the queue nor the database knows it */
export async function getJob(slice: OperateSlice, { queue, jobId }: JobId): Promise<KnownJob> {
  const [state, runs, deadLetters] = await Promise.all([
    slice.queues.ask(queue, (one) => one.getJobState(jobId)),
    findRuns(slice, { queue, jobId }, runsMax),
    findLetters(slice, { queue, jobId }, runsMax),
  ])
  if (state === 'unknown' && runs.length === 0 && deadLetters.length === 0) {
    throw new Problem(queueProblems.jobMissing, `There is no job ${jobId} in ${queue}.`)
  }
  return { state, runs, deadLetters }
}

/** Runs a job once more that was given up, under its own id and with its own payload or another one. Its dead letter is
 *  closed.
 *  @returns the id of the job that does it
 *  @throws {Problem} queue/job-missing, queue/job-not-failed, queue/payload-invalid */
export async function retryJob(
  slice: OperateSlice,
  job: JobId,
  { by, payload }: { readonly by: string; readonly payload?: unknown },
): Promise<string> {
  const known = await getJob(slice, job)
  const last = known.runs[0]
  if (!['failed', 'unknown'].includes(known.state) || last?.state === 'completed') {
    const state = known.state === 'unknown' ? 'completed' : known.state
    throw new Problem(queueProblems.jobNotFailed, `The job ${job.jobId} is ${state}.`, {
      facts: { state },
    })
  }
  const name = known.deadLetters[0]?.name ?? last?.name ?? ''
  const data = payload ?? known.deadLetters[0]?.payload ?? last?.payload
  const definition = await getDefinition(slice, { queue: job.queue, name })
  checkPayload(definition, data)
  const { jobId, queue } = job
  const isSame = payload === undefined
  const newId = isSame ? jobId : slice.random.uuid()
  await slice.queues.ask(queue, async (one) => (await one.getJob(jobId))?.remove())
  await slice.queues.enqueueChecked(definition, data, { jobId: newId })
  await resolveLetter(slice, job, { resolution: 'replayed', resolvedBy: by, replayJobId: newId })
  return newId
}

/** Enqueues what dead letters hold, each once however often this is called.
 *  @returns the ids of the jobs that do it; letters that somebody has decided about are left out
 *  @throws {Problem} queue/job-unknown, queue/payload-invalid */
export async function replayLetters(
  slice: OperateSlice,
  ids: readonly string[],
  by: string,
): Promise<readonly string[]> {
  const letters = await findLetters(slice, { ids, isOpen: true }, ids.length)
  const replayed: string[] = []
  for (const { id, queue, name, jobId, payload } of letters) {
    const definition = await getDefinition(slice, { queue, name })
    checkPayload(definition, payload)
    const replayJobId = `replay-${id}`
    await slice.queues.enqueueChecked(definition, payload, { jobId: replayJobId })
    await resolveLetter(
      slice,
      { queue, jobId },
      { resolution: 'replayed', resolvedBy: by, replayJobId },
    )
    await slice.queues.ask(queue, async (one) => (await one.getJob(jobId))?.remove())
    replayed.push(replayJobId)
  }
  return replayed
}

/** Takes a job out of its queue, and closes its dead letter: it is not done.
 *  @throws {Problem} queue/job-missing, queue/job-active */
export async function removeJob(
  slice: OperateSlice,
  job: JobId,
  { by }: { readonly by: string },
): Promise<void> {
  const { state } = await getJob(slice, job)
  if (state === 'active') {
    throw new Problem(queueProblems.jobActive, `The job ${job.jobId} runs now.`)
  }
  await slice.queues.ask(job.queue, async (one) => (await one.getJob(job.jobId))?.remove())
  await resolveLetter(slice, job, { resolution: 'discarded', resolvedBy: by })
}

/** Enqueues a job that workers have declared.
 *  @returns its id
 *  @throws {Problem} queue/job-unknown, queue/payload-invalid */
export async function runNow(
  slice: OperateSlice,
  job: { readonly queue: string; readonly name: string },
  payload: unknown,
): Promise<string> {
  const definition = await getDefinition(slice, job)
  checkPayload(definition, payload)
  return slice.queues.enqueueChecked(definition, payload, { jobId: slice.random.uuid() })
}

type Definition = Enqueueable & { readonly payloadSchema: Readonly<Record<string, unknown>> }

async function getDefinition(
  { db }: OperateSlice,
  { queue, name }: { readonly queue: string; readonly name: string },
): Promise<Definition> {
  const [found] = await db.run(sql<Definition>`
    select queue, name, attempts_max as "attemptsMax", backoff_ms as "backoffMs", payload_schema as "payloadSchema"
      from job_definitions where queue = ${queue} and name = ${name}`)
  if (!found) {
    throw new Problem(queueProblems.jobUnknown, `No worker has declared ${name} in ${queue}.`)
  }
  return found
}

function checkPayload({ queue, name, payloadSchema }: Definition, payload: unknown): void {
  const parsed = z.fromJSONSchema(payloadSchema).safeParse(payload)
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ message, path }) => ({
      detail: message,
      pointer: `#/${path.join('/')}`,
    }))
    throw new Problem(queueProblems.payloadInvalid, `${queue}/${name}`, { faults })
  }
}
