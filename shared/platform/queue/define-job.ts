import type { z } from 'zod'
import type { Log } from '../log.ts'

/** What a run may use besides its payload. */
export type JobRun = {
  /** Aborted when the job's time is up and when the process stops; hand it to everything that waits. */
  readonly signal: AbortSignal
  /** 1 for the first. */
  readonly attempt: number
  readonly log: Log
}

/** What is kept of a run in `job_runs`: how many rows it changed, when that means something. */
export type JobResult = { readonly rows?: number }

/**
 * A job is data: which queue, what payload, how often and how long it may try, and the function that does it.
 * It runs at least once, so what it does must be safe to do twice.
 */
export type JobDefinition<Slice, Payload extends z.ZodType = z.ZodType> = {
  readonly queue: string
  /** Unique in its queue. */
  readonly name: string
  /** Checked when the job is enqueued and again when it runs, since a queue outlives the code that filled it. */
  readonly payload: Payload
  readonly attemptsMax: number
  /** The pause before the second attempt; it doubles, and half of it is random. */
  readonly backoffMs: number
  readonly timeoutMs: number
  run(slice: Slice, payload: z.output<Payload>, run: JobRun): Promise<JobResult>
}

/** Declares a job. Its slice is what `run` says it needs, no more. */
export function defineJob<Slice, Payload extends z.ZodType>(
  job: JobDefinition<Slice, Payload>,
): JobDefinition<Slice, Payload> {
  return job
}
