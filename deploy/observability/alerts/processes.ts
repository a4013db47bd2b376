import { as, type Alert } from '../alert.ts'
import { heapRatio, jobs } from '../selectors.ts'
import { thresholds } from '../thresholds.ts'

const { heapRatio: heap, eventLoopSeconds, processorRatio, figuresAgeSeconds } = thresholds

const memory = {
  value: as.percent,
  dashboard: 'process',
  runbook: {
    means: 'The heap nears the limit at which Node ends the process (`--max-old-space-size`).',
    look: 'Heap and resident memory of the process over the last day: a slope is a leak, a step is load or a new version. `cache_size_bytes` is bounded by `CACHE_MEMORY_BYTES_MAX` and part of it.',
    act: 'A slope: restart the process (it drains first), then find what grows. A step: more memory, or more processes. Pause a roll-out.',
  },
} as const

/** Whether the processes run, and how they are. */
export const processAlerts: readonly Alert[] = [
  {
    name: 'ProcessDown',
    severity: 'critical',
    expr: 'up == 0',
    forSeconds: 15,
    when: 'a process does not answer Prometheus',
    value: as.number,
    dashboard: 'process',
    runbook: {
      means:
        'The process is gone, hangs, or refuses the scrape. A wrong `METRICS_TOKEN` looks the same: the target then says 401.',
      look: 'The error of the target (`/targets` of Prometheus), the last lines of its log, `/health/live` of the process.',
      act: 'Start it again. If it ends at once, its log names what is wrong; `npm run doctor` names what is wrong with the machine.',
    },
  },
  {
    name: 'ProcessUnknown',
    severity: 'critical',
    expr: jobs.map((job) => `absent(up{job="${job}"})`).join(' or '),
    forSeconds: 15,
    when: 'Prometheus has no target of a kind of process',
    value: as.number,
    dashboard: 'process',
    runbook: {
      means: 'Nothing of that kind is scraped, so no other alert can tell of it.',
      look: 'deploy/prometheus/prometheus.yml against what is deployed.',
      act: 'Mend the targets, or start the process.',
    },
  },
  {
    name: 'ProcessRestarting',
    severity: 'warning',
    expr: 'changes(process_start_time_seconds[15m]) > 2',
    forSeconds: 0,
    when: 'a process began anew more than twice in 15 minutes',
    value: as.number,
    dashboard: 'process',
    runbook: {
      means: 'The process ends again and again and is started each time.',
      look: 'The last lines before each end: an error that nobody caught is logged once, with its cause; none at all is the kernel for want of memory.',
      act: 'Roll back when it began with a version.',
    },
  },
  {
    name: 'MemoryCritical',
    severity: 'critical',
    expr: `${heapRatio} > ${heap.critical}`,
    forSeconds: 15,
    when: `more than ${heap.critical * 100} % of the heap is in use`,
    ...memory,
  },
  {
    name: 'MemoryWarning',
    severity: 'warning',
    expr: `${heapRatio} > ${heap.warning}`,
    forSeconds: 120,
    when: `more than ${heap.warning * 100} % of the heap is in use`,
    ...memory,
  },
  {
    name: 'EventLoopLate',
    severity: 'warning',
    expr: `nodejs_eventloop_delay_p99_seconds > ${eventLoopSeconds}`,
    forSeconds: 60,
    when: `the event loop was late by more than ${eventLoopSeconds * 1000} ms (p99)`,
    value: as.seconds,
    dashboard: 'process',
    runbook: {
      means: 'Something computes for long without a pause, and everybody else waits.',
      look: 'Processor time of the process, garbage collection when the heap is nearly full, and what runs at that time: jobs in the worker, a large body in the API.',
      act: 'More processes where it is load. Otherwise profile it: `node --prof`.',
    },
  },
  {
    name: 'ProcessorBusy',
    severity: 'warning',
    expr: `sum by (job, instance) (rate(process_cpu_time_seconds_total[2m])) > ${processorRatio}`,
    forSeconds: 300,
    when: `a process uses more than ${processorRatio * 100} % of a processor`,
    value: as.percent,
    dashboard: 'process',
    runbook: {
      means: 'JavaScript can use one processor; little is left of it.',
      look: 'Requests a second, hit ratio, jobs that run.',
      act: '`API_PROCESSES` or more machines; more workers.',
    },
  },
  {
    name: 'FiguresOld',
    severity: 'warning',
    expr: ['health_sample_age_seconds', 'queue_sample_age_seconds']
      .map((name) => `${name} > ${figuresAgeSeconds}`)
      .join(' or '),
    forSeconds: 60,
    when: `figures that are sampled are older than ${figuresAgeSeconds} s`,
    value: as.seconds,
    dashboard: 'process',
    runbook: {
      means:
        'Health, queues, outbox and dead letters are looked at every 15 s, and were not. Alerts on them see the past.',
      look: 'The log of the process: `not sampled for the metrics`, with the cause.',
      act: 'It is nearly always the queue backend or PostgreSQL, which have alerts of their own.',
    },
  },
]
