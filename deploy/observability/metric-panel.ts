import type { ListedMetric } from './metric-list.ts'
import type { Line, Panel } from './panel.ts'
import { thresholds } from './thresholds.ts'

const { slowSeconds, changeLogLagSeconds, oldestJobSeconds, redisBytes } = thresholds
const { eventLoopSeconds, figuresAgeSeconds, rateAgeSeconds } = thresholds

const warnAt = (value: number): readonly Line[] => [{ value, color: 'orange' }]
const failAt = (value: number): readonly Line[] => [{ value, color: 'red' }]

const requestLines: readonly Line[] = [
  { value: slowSeconds.warning, color: 'orange' },
  { value: slowSeconds.critical, color: 'red' },
]

/** Where an alert fires, by metric. */
const linesOf: Readonly<Record<string, readonly Line[]>> = {
  http_server_request_duration_seconds: requestLines,
  http_request_duration_seconds: requestLines,
  cache_change_log_lag_seconds: failAt(changeLogLagSeconds),
  queue_oldest_job_age_seconds: warnAt(oldestJobSeconds),
  queue_sample_age_seconds: warnAt(figuresAgeSeconds),
  health_sample_age_seconds: warnAt(figuresAgeSeconds),
  redis_memory_usage_bytes: warnAt(redisBytes),
  nodejs_eventloop_delay_p99_seconds: warnAt(eventLoopSeconds),
  fx_rate_age_seconds: failAt(rateAgeSeconds.stable.critical),
}

const here = 'job=~"$job",instance=~"$instance"'

/** Labels by which series of a counter are told apart; a route has one series for each method and status besides. */
const keptLabels = (labels: readonly string[]): readonly string[] =>
  labels.includes('http_route')
    ? ['http_route', ...labels.filter((one) => one === 'reason')]
    : labels

/** The panel that is made for a metric because it exists. */
export function panelOf(metric: ListedMetric): Panel {
  const { name, kind, help, labels } = metric
  const lines = linesOf[name]
  const common = { title: name, description: help, ...(lines && { lines }) }
  if (kind === 'histogram') {
    return { ...common, unit: 's', series: [50, 95, 99].map((percent) => quantile(name, percent)) }
  }
  if (kind === 'counter') {
    const by = ['job', ...keptLabels(labels)]
    const rate = `sum by (${by.join(', ')}) (rate(${name}{${here}}[$__rate_interval]))`
    return { ...common, unit: rateUnit(name), series: [[rate, legendOf(by)]] }
  }
  const by = ['instance', ...labels]
  return { ...common, unit: unitOf(name), series: [[gaugeOf(name), legendOf(by)]] }
}

/** What is one for a state is shown where it is one; a moment in time as how long ago it was. */
function gaugeOf(name: string): string {
  const series = `${name}{${here}}`
  return /_timestamp_seconds$|_start_time_seconds$/.test(name) ? `time() - ${series}` : series
}

function quantile(name: string, percent: number): readonly [string, string] {
  const rates = `sum by (le) (rate(${name}_bucket{${here}}[$__rate_interval]))`
  return [`histogram_quantile(${percent / 100}, ${rates})`, `p${percent}`]
}

const legendOf = (labels: readonly string[]): string =>
  labels.map((label) => `{{${label}}}`).join(' ')

/** Seconds in a second are a share of the time. */
const rateUnit = (name: string): string => (name.endsWith('_seconds_total') ? 'percentunit' : 'ops')

function unitOf(name: string): string {
  const suffix = /_(seconds|bytes|ratio)$/.exec(name)?.[1] ?? ''
  return { seconds: 's', bytes: 'bytes', ratio: 'percentunit' }[suffix] ?? 'short'
}
