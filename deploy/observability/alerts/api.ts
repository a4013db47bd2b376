import { as, type Alert } from '../alert.ts'
import { errorRatio, requestRate, slowRatio } from '../selectors.ts'
import { thresholds } from '../thresholds.ts'

const { slowSeconds, slowShareMax, errorRatio: errors, trafficMin } = thresholds
const window = '2m'

/** Shares of nearly nothing mean nothing. */
const withTraffic = (expr: string): string =>
  `${expr} and ${requestRate(window)} > ${trafficMin.requests}`

const slow = {
  value: `{{ $value | humanizePercentage }} slower`,
  dashboard: 'api',
  runbook: {
    means:
      'More than 5 % of the requests of the last two minutes took longer: p95 is above the figure.',
    look: 'By route, which one; then hit ratio, statements (p95 by read), the pool and who waits for it, the event loop. `Server-Timing` of one answer says where its time went; tRPC `metrics.slowQueries` names statements and `metrics.plan` explains one.',
    act: 'Many misses: see CacheHitRatio. Slow statements: the plan, then the index. A full pool: DatabasePool. After a roll-out: roll back.',
  },
} as const

const failing = {
  value: as.percent,
  dashboard: 'api',
  runbook: {
    means: 'Requests are answered with 5xx. What callers do wrong (4xx) is not counted.',
    look: 'By route and status: 503 is a dependency or a full pool, 500 is ours. The log has each error once, with its trace; so has Sentry where it is configured.',
    act: 'After a roll-out: roll back. 503: mend the dependency; kept answers go on meanwhile.',
  },
} as const

/** Latency and errors of the API. */
export const apiAlerts: readonly Alert[] = [
  {
    name: 'ApiLatencyCritical',
    severity: 'critical',
    expr: withTraffic(`${slowRatio(slowSeconds.critical, window)} > ${slowShareMax}`),
    forSeconds: 15,
    when: `p95 of the API is above ${slowSeconds.critical * 1000} ms`,
    ...slow,
  },
  {
    name: 'ApiLatencyWarning',
    severity: 'warning',
    expr: withTraffic(`${slowRatio(slowSeconds.warning, window)} > ${slowShareMax}`),
    forSeconds: 120,
    when: `p95 of the API is above ${slowSeconds.warning * 1000} ms`,
    ...slow,
  },
  {
    name: 'ApiErrorsCritical',
    severity: 'critical',
    expr: withTraffic(`${errorRatio(window)} > ${errors.critical}`),
    forSeconds: 15,
    when: `more than ${errors.critical * 100} % of requests are answered with 5xx`,
    ...failing,
  },
  {
    name: 'ApiErrorsWarning',
    severity: 'warning',
    expr: withTraffic(`${errorRatio(window)} > ${errors.warning}`),
    forSeconds: 120,
    when: `more than ${errors.warning * 100} % of requests are answered with 5xx`,
    ...failing,
  },
  {
    name: 'ApiErrorsRollout',
    severity: 'rollout',
    expr: withTraffic(`${errorRatio(window)} > ${errors.rollout}`),
    forSeconds: 15,
    when: `more than ${errors.rollout * 100} % of requests are answered with 5xx`,
    ...failing,
  },
]
