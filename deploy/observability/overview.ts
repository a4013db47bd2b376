import { burnRecord } from './burn-rates.ts'
import type { Panel } from './panel.ts'
import { errorRatio, heapRatio, hitRatio, poolRatio, requestQuantile } from './selectors.ts'
import { objectives, thresholds } from './thresholds.ts'

const window = '$__rate_interval'
const quantiles = [0.5, 0.95, 0.99] as const
const {
  slowSeconds,
  errorRatio: errors,
  hitRatio: hits,
  poolRatio: pool,
  heapRatio: heap,
} = thresholds

const statements = 'db_client_operation_duration_seconds'

/** What is looked at first: REQUIREMENTS N-04 and N-05. Rate and errors on the left, durations on the right. */
export const overviewPanels: readonly Panel[] = [
  {
    title: 'Requests',
    description: 'Requests of callers each second, by kind.',
    unit: 'reqps',
    series: [['class:http_requests:rate5m', '{{class}}']],
  },
  {
    title: 'API p50, p95, p99',
    description: 'What requests take, the upper end of their class.',
    unit: 's',
    series: quantiles.map((one) => [requestQuantile(one, window), `p${one * 100}`] as const),
    lines: [
      { value: slowSeconds.warning, color: 'orange' },
      { value: slowSeconds.critical, color: 'red' },
    ],
  },
  {
    title: 'Errors',
    description: 'Share of requests answered with 5xx.',
    unit: 'percentunit',
    series: [[errorRatio(window), 'all']],
    lines: [
      { value: errors.warning, color: 'orange' },
      { value: errors.critical, color: 'red' },
    ],
  },
  {
    title: 'Statements p50, p95, p99',
    description: 'What statements take in all processes.',
    unit: 's',
    series: quantiles.map((one) => {
      const rates = `sum by (le) (rate(${statements}_bucket[${window}]))`
      return [`histogram_quantile(${one}, ${rates})`, `p${one * 100}`] as const
    }),
  },
  {
    title: 'Hit ratio',
    description:
      'Share of reads for which nobody waited for the database; the goal is the green line.',
    unit: 'percentunit',
    series: [[hitRatio(window), 'all']],
    lines: [
      { value: hits.critical, color: 'red' },
      { value: hits.warning, color: 'orange' },
      { value: hits.target, color: 'green' },
    ],
  },
  {
    title: 'p95 by route',
    description: 'The ten slowest.',
    unit: 's',
    series: [
      [
        `topk(10, histogram_quantile(0.95, sum by (le, http_route) (rate(http_server_request_duration_seconds_bucket{job="api"}[${window}]))))`,
        '{{http_route}}',
      ],
    ],
  },
  {
    title: 'Pool in use',
    description: 'Share of the connections that requests and jobs may have.',
    unit: 'percentunit',
    series: [[poolRatio, '{{instance}}']],
    lines: [
      { value: pool.warning, color: 'orange' },
      { value: pool.critical, color: 'red' },
    ],
  },
  {
    title: 'Connections',
    description: 'Connections of the pools by state, and who waits for one.',
    unit: 'short',
    series: [
      ['db_client_connection_count', '{{instance}} {{db_client_connection_state}}'],
      ['db_client_connection_pending_requests', '{{instance}} waiting'],
    ],
  },
  {
    title: 'Heap in use',
    description: 'Share of the heap that Node may use.',
    unit: 'percentunit',
    series: [[heapRatio, '{{instance}}']],
    lines: [
      { value: heap.warning, color: 'orange' },
      { value: heap.critical, color: 'red' },
    ],
  },
  {
    title: 'Memory',
    description: 'Resident memory of the processes.',
    unit: 'bytes',
    series: [['process_memory_usage_bytes', '{{instance}}']],
  },
  {
    title: 'Processors',
    description: 'Processors that each process uses; one is what JavaScript can use.',
    unit: 'percentunit',
    series: [
      [`sum by (instance) (rate(process_cpu_time_seconds_total[${window}]))`, '{{instance}}'],
    ],
    lines: [{ value: thresholds.processorRatio, color: 'orange' }],
  },
  {
    title: 'Checks of health that fail',
    description: 'By process and check; none is well.',
    unit: 'short',
    series: [['health_check{state="fail"} == 1', '{{instance}} {{check}}']],
  },
  {
    title: 'Promise: availability',
    description: `${objectives.availability.words}; the line is what just lasts 30 days.`,
    unit: 'percentunit',
    series: ['1h', '6h', '3d'].map((one) => [burnRecord.availability(one), one] as const),
    lines: [{ value: 1 - objectives.availability.ratio, color: 'orange' }],
  },
  {
    title: 'Promise: latency',
    description: `${objectives.latency.words}; the line is what just lasts 30 days.`,
    unit: 'percentunit',
    series: ['1h', '6h', '3d'].map((one) => [burnRecord.latency(one), one] as const),
    lines: [{ value: 1 - objectives.latency.ratio, color: 'orange' }],
  },
]
