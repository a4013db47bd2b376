import { createLog } from '#platform/log'
import type { JobRun } from '#platform/queue/define-job'

/** What a job is given beside its slice and its payload, as for a first attempt that nobody interrupts. */
export function jobRun(more: Partial<JobRun> = {}): JobRun {
  const { signal } = new AbortController()
  return { signal, attempt: 1, log: createLog('test', 'silent'), ...more }
}
