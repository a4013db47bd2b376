import { burnRecord, burnWindows } from './burn-rates.ts'
import { errorRatio, hitRatio, poolRatio, slowRatio } from './selectors.ts'
import { apiRequests } from './selectors.ts'
import { objectives } from './thresholds.ts'

/** A figure that Prometheus works out again and again and keeps. */
export type Recording = {
  readonly record: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
}

/** Requests of one kind; together they are all that callers send. */
const classes = {
  read: 'http_request_method=~"GET|HEAD",http_route!~"/api/[^v].*|/api/v[^2].*"',
  'read-v1': 'http_request_method=~"GET|HEAD",http_route=~"/api/[^v].*|/api/v[^2].*"',
  write: 'http_request_method!~"GET|HEAD|OPTIONS"',
}

const duration = 'http_server_request_duration_seconds'

/** Rate, errors and durations of a class. */
const redOf = ([name, selector]: readonly [string, string]): readonly Recording[] => {
  const labels = { class: name }
  const all = `sum(rate(${duration}_count${apiRequests(selector)}[5m]))`
  const failed = `sum(rate(${duration}_count${apiRequests(`${selector},http_response_status_code=~"5.."`)}[5m]))`
  return [
    { record: 'class:http_requests:rate5m', labels, expr: all },
    {
      record: 'class:http_errors:ratio_rate5m',
      labels,
      expr: `(${failed} or vector(0)) / ${all}`,
    },
    ...[50, 95, 99].map((percent) => ({
      record: `class:http_request_duration_seconds:p${percent}_5m`,
      labels,
      expr: `histogram_quantile(${percent / 100}, sum by (le) (rate(${duration}_bucket${apiRequests(selector)}[5m])))`,
    })),
  ]
}

/** Recorded figures, by group. Those of long windows are worked out once a minute. */
export const recordingGroups: Readonly<
  Record<string, { readonly everySeconds: number; readonly recordings: readonly Recording[] }>
> = {
  'requests-by-class': {
    everySeconds: 15,
    recordings: [
      ...Object.entries(classes).flatMap(redOf),
      { record: 'api:cache_hits:ratio_rate5m', expr: hitRatio('5m') },
      { record: 'instance:db_client_connections_used:ratio', expr: poolRatio },
    ],
  },
  'promises-kept': {
    everySeconds: 60,
    recordings: burnWindows.flatMap((window) => [
      { record: burnRecord.availability(window), expr: errorRatio(window) },
      {
        record: burnRecord.latency(window),
        expr: slowRatio(objectives.latency.slowSeconds, window),
      },
    ]),
  },
}
