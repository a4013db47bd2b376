import { as, type Alert } from '../alert.ts'
import { thresholds } from '../thresholds.ts'

const { oldestJobSeconds } = thresholds

/** Queues, the outbox, jobs. */
export const workAlerts: readonly Alert[] = [
  {
    name: 'OutboxLate',
    severity: 'critical',
    expr: 'max(health_check{check="outbox",state="warn"}) == 1',
    forSeconds: 15,
    when: 'an event waits for more than a minute to be given to its subscribers',
    value: as.number,
    dashboard: 'jobs',
    runbook: {
      means:
        'What follows from writes does not happen: webhooks, accounting, expiry. It is kept and happens later, in order.',
      look: 'Does a worker run (ProcessDown, `canary`)? Is the backend of the queues there (`queue`)? The log of the worker: the relay says why.',
      act: 'Start a worker; bring the backend back.',
    },
  },
  {
    name: 'JobsLate',
    severity: 'warning',
    expr: `max by (queue) (queue_oldest_job_age_seconds) > ${oldestJobSeconds}`,
    forSeconds: 60,
    when: `a job waits for more than ${oldestJobSeconds / 60} minutes`,
    value: as.seconds,
    dashboard: 'jobs',
    runbook: {
      means: 'More comes than is done, or nothing is done.',
      look: 'tRPC `jobs.queues`: what waits and runs; durations by job; whether the queue is paused.',
      act: 'More workers. One job that takes for ever: `jobs.list`, then what it waits for.',
    },
  },
  {
    name: 'DeadLetters',
    severity: 'warning',
    expr: 'max(queue_dead_letters) > 0',
    forSeconds: 0,
    when: 'a job was given up and waits for a decision',
    value: as.number,
    dashboard: 'jobs',
    runbook: {
      means:
        'All attempts failed, or the payload is refused. What the job was to do has not happened.',
      look: 'tRPC `jobs.deadLetters`: the reason, what it means, the trace.',
      act: 'Mend the cause, then `jobs.retry`, `jobs.retryWith` or `jobs.replay`; or `jobs.remove` what need not happen.',
    },
  },
  {
    name: 'JobsFailing',
    severity: 'warning',
    // an increase is extrapolated to its window: three may look like 3.1
    expr: 'sum by (queue, name) (increase(job_duration_seconds_count{outcome="failed"}[15m])) > 3.5',
    forSeconds: 0,
    when: 'a job failed more than three times in 15 minutes',
    value: as.number,
    dashboard: 'jobs',
    runbook: {
      means: 'Attempts fail; the job is tried again until its attempts are used up.',
      look: 'tRPC `jobs.list` with the name: text of the error, trace.',
      act: 'Mend the cause before the last attempt; after it see DeadLetters.',
    },
  },
  {
    name: 'QueuePaused',
    severity: 'warning',
    expr: 'max by (queue) (queue_paused) == 1',
    forSeconds: 3_600,
    when: 'an operator paused a queue an hour ago',
    value: as.number,
    dashboard: 'jobs',
    runbook: {
      means: 'Its jobs wait in all processes.',
      look: 'tRPC `audit.list` with `procedure` `jobs.pause`: who, when, why.',
      act: '`jobs.resume`, or silence the alert for as long as the pause is meant to last.',
    },
  },
]
