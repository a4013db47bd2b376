import type { z } from 'zod'
import type { Transaction } from '../database/transaction.ts'
import type { Log } from '../log.ts'

/** What a run may use besides its payload. */
export type JobRun = {
  /** Aborted when the job's time is up, when the process stops, and when another worker has taken the job over because this
   *  one did not say for too long that it is alive; hand it to everything that waits. */
  readonly signal: AbortSignal
  /** 1 for the first. */
  readonly attempt: number
  /** Its row in `job_runs`. */
  readonly runId: string
  readonly log: Log
  /** Says how far it is, for whoever watches; written once a second at most. Never fails. */
  progress(done: number, total: number): Promise<void>
  /** The effect of the job, exactly once: one transaction in which the run's record becomes completed too. Whoever else runs
   *  the same job, before, after or at the same time (a worker that was frozen and thaws), finds that out and changes nothing.
   *  Call it once, as the last thing of a run.
   *  @throws {Problem} queue/superseded where another run has done it or has taken over */
  once<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
}

/** What is kept of a run in `job_runs`: how many rows it changed, when that means something. */
export type JobResult = { readonly rows?: number }

/**
 * A job is data: which queue, what payload, how often and how long it may try, and the function that does it.
 * It runs at least once, so what it does is safe to do twice, or goes through `once`.
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
  /** What one of its statements may take before it is told of as slow; as of a request when left out. For work in batches that
   *  nobody waits for. */
  readonly slowStatementMs?: number
  /** Runs at a time in each process. The jobs of one queue share its worker, so they say the same. */
  readonly concurrency: number
  /** What it means that all attempts are used up, or that trying again is of no use. `dead-letter`: something was not done
   *  that nothing else makes good; it is kept with its reason until an operator replays or discards it. `next-run`: the next
   *  run of its schedule does the same work. */
  readonly whenGivenUp: 'dead-letter' | 'next-run'
  /** Two payloads with the same key are one job, for as long as its run is on record: enqueueing the second does nothing, and
   *  a second run that comes about all the same finds the first completed. */
  idempotencyKey?(payload: z.output<Payload>): string
  run(slice: Slice, payload: z.output<Payload>, run: JobRun): Promise<JobResult>
}

/** Declares a job. Its slice is what `run` says it needs, no more. */
export function defineJob<Slice, Payload extends z.ZodType>(
  job: JobDefinition<Slice, Payload>,
): JobDefinition<Slice, Payload> {
  return job
}
