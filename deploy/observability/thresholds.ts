const minute = 60
const hour = 60 * minute
const day = 24 * hour

/** The figures that rules and dashboards share. Where the sources contradict each other, REQUIREMENTS V has decided. Figures that
 *  a health check judges by (age of the canary, of the outbox, late schedules) are not here: rules read the check. */
export const thresholds = {
  /** Seconds that 95 of 100 requests take at most; O-01, O-05. Ends of classes of the histogram, so that it is exact. */
  slowSeconds: { critical: 1, warning: 0.5 },
  slowShareMax: 0.05,
  /** Share of requests answered with 5xx; O-03, O-07, O-09. */
  errorRatio: { critical: 0.05, warning: 0.02, rollout: 0.01 },
  /** Share of reads for which nobody waited for the database; O-04, O-08, N-08. */
  hitRatio: { critical: 0.5, warning: 0.75, target: 0.8 },
  /** Share of the pool in use; O-02, O-06. */
  poolRatio: { critical: 0.9, warning: 0.75 },
  /** Share of the heap that Node may use; V-16, O-10. */
  heapRatio: { critical: 0.9, warning: 0.8 },
  /** O-11, F-33. */
  redisBytes: 400 * 1024 * 1024,
  /** Commands that failed, of reads; F-32. */
  redisErrorRatio: 0.01,
  /** Statements above 100 ms; D-11. */
  slowStatementRatio: 0.05,
  /** Beyond this a kept answer is flagged or refreshed before it is served: the bound that the cache promises. */
  changeLogLagSeconds: 1,
  /** FAULTS W3. */
  eventLoopSeconds: 0.25,
  /** Processors; one is what JavaScript can use. Q-18. */
  processorRatio: 0.8,
  oldestJobSeconds: 5 * minute,
  figuresAgeSeconds: minute,
  /** At the limit links are refused; before it there is time to look. Banks are closed five days in a row at most. */
  rateAgeSeconds: {
    stable: { critical: 6 * day, warning: 5.5 * day },
    volatile: { critical: 36 * hour, warning: 2 * hour },
  },
  /** Below it shares mean nothing: requests, and reads, each second. */
  trafficMin: { requests: 0.1, reads: 1 },
} as const

/** What is promised: V-03 (errors below 0.1 %) and Q-14 (99 of 100 within 500 ms). */
export const objectives = {
  availability: { ratio: 0.999, words: '99.9 % of requests are not answered with 5xx' },
  latency: { ratio: 0.99, slowSeconds: 0.5, words: '99 % of requests are answered within 500 ms' },
} as const
