import { transaction } from '#platform/database/transaction'
import type { JobRun } from '#platform/queue/define-job'
import type { Business } from './business.ts'

/** What a job is given beside its slice and its payload, as for a first attempt that nobody interrupts and nobody records. */
export function jobRun(business: Business, more: Partial<JobRun> = {}): JobRun {
  return {
    signal: new AbortController().signal,
    attempt: 1,
    runId: business.random.uuid(),
    log: business.log,
    progress: async () => {},
    once: (work) => transaction(business, work),
    ...more,
  }
}
