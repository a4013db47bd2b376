/** Selector of a series, and its values every 15 s as promtool writes them; those that only grow begin at 0. */
export type Series = readonly [string, string]

// Shares are a hundredth of a per mille off their boundary: computed from growing counters they are not exact in binary.

/** What an alert fires for, and what it must not fire for. */
export type AlertExample = {
  /** Never even pending: at the boundary, and where a guard holds. */
  readonly quiet: readonly (readonly Series[])[]
  /** Just beyond the boundary, from the beginning on. */
  readonly loud: readonly Series[]
  /** When the expression is true for the first time; a rate needs two samples. */
  readonly trueAfterSeconds: number
}

const steady = (value: number): string => `${value}x400`
const growing = (each: number): string => `0+${each}x400`

const gauge = (of: string, quiet: number, loud: number): AlertExample => ({
  quiet: [[[of, steady(quiet)]]],
  loud: [[of, steady(loud)]],
  trueAfterSeconds: 0,
})

const check = (name: string, state: string, value: number): Series => [
  `health_check{job="worker",instance="a",check="${name}",state="${state}"}`,
  steady(value),
]

type Requests = { readonly all: number; readonly failed?: number; readonly slow?: number }

/** Requests in 15 s: all, of which so many failed, and so many took longer than a class ends. */
function requests({ all, failed = 0, slow = 0 }: Requests, le = '1'): readonly Series[] {
  const of = 'job="api",instance="a",http_request_method="GET",http_route="/api/v2/products"'
  const name = 'http_server_request_duration_seconds'
  const ok = `${of},http_response_status_code="200"`
  return [
    [`${name}_count{${ok}}`, growing(all - failed)],
    [`${name}_count{${of},http_response_status_code="503"}`, growing(failed)],
    [`${name}_bucket{${ok},le="${le}"}`, growing(all - failed - slow)],
    [`${name}_bucket{${of},http_response_status_code="503",le="${le}"}`, growing(failed)],
    // what operators and monitors ask, and paths that nothing answers, are not looked at
    [
      `${name}_count{job="api",http_route="/metrics",http_response_status_code="500"}`,
      growing(all),
    ],
    [
      `${name}_count{job="api",http_route="/api/metrics",http_response_status_code="500"}`,
      growing(all),
    ],
    [
      `${name}_count{job="api",http_route="(unmatched)",http_response_status_code="503"}`,
      growing(all),
    ],
  ]
}

const ofRequests = (quiet: Requests, loud: Requests, thin: Requests, le?: string) => ({
  quiet: [requests(quiet, le), requests(thin, le)],
  loud: requests(loud, le),
  trueAfterSeconds: 15,
})

const reads = (all: number, hits: number): readonly Series[] => [
  [
    'cache_requests_total{job="api",http_route="/api/v2/products",tier="memory",result="hit"}',
    growing(all),
  ],
  [
    'cache_requests_total{job="api",http_route="credential",tier="memory",result="hit"}',
    growing(9 * all),
  ],
  ['cache_hits_total{job="api"}', growing(hits)],
]

const ofReads = (quiet: number, loud: number) => ({
  quiet: [reads(1_000, quiet), reads(14, 0)],
  loud: reads(1_000, loud),
  trueAfterSeconds: 15,
})

const events = (of: string, more: readonly Series[] = []): AlertExample => ({
  quiet: [[[of, steady(7)], ...more]],
  loud: [[of, growing(1)], ...more],
  trueAfterSeconds: 15,
})

const pool = (used: number): readonly Series[] => [
  [
    'db_client_connection_count{job="api",instance="a",db_client_connection_state="used"}',
    steady(used),
  ],
  [
    'db_client_connection_count{job="api",instance="a",db_client_connection_state="idle"}',
    steady(20),
  ],
  ['db_client_connection_max{job="api",instance="a"}', steady(20)],
]

const heap = (used: number): readonly Series[] => [
  ['nodejs_heap_usage_bytes{job="api",instance="a",kind="used"}', steady(used)],
  ['nodejs_heap_usage_bytes{job="api",instance="a",kind="limit"}', steady(1_000)],
]

/** Seconds of a processor in 15 s. Until the window is full the rate is too low, which a ratio never is. */
const processor = (user: number, system: number): readonly Series[] => [
  ['process_cpu_time_seconds_total{job="api",cpu_mode="user"}', growing(user)],
  ['process_cpu_time_seconds_total{job="api",cpu_mode="system"}', growing(system)],
]

const starts = (values: string): readonly Series[] => [
  ['process_start_time_seconds{job="api",instance="a"}', values],
]

const up = (...jobs: readonly string[]): readonly Series[] =>
  jobs.map((job) => [`up{job="${job}",instance="${job}"}`, steady(1)])

const circuit = (name: string, open: number): readonly Series[] => [
  [`circuit_breaker_state{job="api",instance="a",name="${name}",state="OPEN"}`, steady(open)],
  [`circuit_breaker_state{job="api",instance="a",name="${name}",state="CLOSED"}`, steady(1 - open)],
]

const ages = (kind: string, ...seconds: readonly number[]): readonly Series[] =>
  seconds.map((age, index) => [
    `fx_rate_age_seconds{job="worker",instance="a",provider="p${index}",kind="${kind}"}`,
    steady(age),
  ])

const slowStatements = (slow: number): readonly Series[] => [
  ['db_client_slow_operations_total{job="api",threshold="log"}', growing(slow)],
  ['db_client_slow_operations_total{job="worker",threshold="log"}', growing(1_000)],
  [
    'db_client_operation_duration_seconds_count{job="api",db_operation_name="SELECT"}',
    growing(1_000),
  ],
]

const failures = (count: number): readonly Series[] => [
  [
    'job_duration_seconds_count{queue="fx",name="refresh-fx-rates",outcome="failed"}',
    `0x4 ${count}x400`,
  ],
  [
    'job_duration_seconds_count{queue="fx",name="refresh-fx-rates",outcome="completed"}',
    growing(9),
  ],
]

const day = 86_400
const mebibyte = 1024 * 1024

/** Those of burn rates look back for days and stand in burn-rate-examples.ts. */
export const alertExamples: Readonly<Record<string, AlertExample>> = {
  ProcessDown: gauge('up{job="api",instance="a"}', 1, 0),
  ProcessUnknown: {
    quiet: [up('api', 'worker', 'admin')],
    loud: up('api', 'admin'),
    trueAfterSeconds: 0,
  },
  ProcessRestarting: {
    quiet: [starts('1 2 3x400')],
    loud: starts('1 2 3 4x400'),
    trueAfterSeconds: 45,
  },
  MemoryCritical: { quiet: [heap(900)], loud: heap(901), trueAfterSeconds: 0 },
  MemoryWarning: { quiet: [heap(800)], loud: heap(801), trueAfterSeconds: 0 },
  EventLoopLate: gauge('nodejs_eventloop_delay_p99_seconds{job="api"}', 0.25, 0.251),
  ProcessorBusy: {
    quiet: [processor(12, 0)],
    loud: processor(12, 0.01),
    trueAfterSeconds: 120,
  },
  FiguresOld: gauge('queue_sample_age_seconds{job="worker"}', 60, 60.1),
  HealthCheckFailing: {
    quiet: [[check('canary', 'fail', 0), check('canary', 'warn', 1), check('ledger', 'fail', 1)]],
    loud: [check('canary', 'fail', 1)],
    trueAfterSeconds: 0,
  },
  HealthDegraded: {
    quiet: [[check('cache', 'pass', 1), check('cache', 'warn', 0), check('fx', 'warn', 1)]],
    loud: [check('cache', 'warn', 1)],
    trueAfterSeconds: 0,
  },
  LedgerUnbalanced: {
    quiet: [
      [check('ledger', 'fail', 0)],
      [check('ledger', 'fail', 1), check('database', 'fail', 1)],
    ],
    loud: [check('ledger', 'fail', 1), check('database', 'fail', 0)],
    trueAfterSeconds: 0,
  },
  ApiLatencyCritical: ofRequests(
    { all: 1_000, slow: 49.99 },
    { all: 1_000, slow: 50.01 },
    { all: 1.4, slow: 1.4 },
  ),
  ApiLatencyWarning: ofRequests(
    { all: 1_000, slow: 49.99 },
    { all: 1_000, slow: 50.01 },
    { all: 1.4, slow: 1.4 },
    '0.5',
  ),
  ApiErrorsCritical: ofRequests(
    { all: 1_000, failed: 49.99 },
    { all: 1_000, failed: 50.01 },
    { all: 1.4, failed: 1.4 },
  ),
  ApiErrorsWarning: ofRequests(
    { all: 1_000, failed: 19.99 },
    { all: 1_000, failed: 20.01 },
    { all: 1.4, failed: 1.4 },
  ),
  ApiErrorsRollout: ofRequests(
    { all: 1_000, failed: 9.99 },
    { all: 1_000, failed: 10.01 },
    { all: 1.4, failed: 1.4 },
  ),
  CacheHitRatioCritical: ofReads(500.01, 499.99),
  CacheHitRatioWarning: ofReads(750.01, 749.99),
  ChangeLogLate: gauge('cache_change_log_lag_seconds{job="api"}', 1, 1.01),
  RedisCacheFull: gauge(
    'redis_memory_usage_bytes{job="api",use="redis-cache"}',
    400 * mebibyte,
    400 * mebibyte + 1,
  ),
  RedisCacheEvicting: events('redis_evictions_total{job="api",use="redis-cache"}'),
  RedisCacheAway: gauge('redis_connected{job="api",use="redis-cache"}', 1, 0),
  RedisCacheErrors: {
    quiet: [
      [['redis_errors_total{use="redis-cache",kind="timeout"}', growing(9.99)], ...reads(1_000, 1)],
      [['redis_errors_total{use="redis-cache",kind="timeout"}', growing(14)], ...reads(14, 1)],
    ],
    loud: [
      ['redis_errors_total{use="redis-cache",kind="timeout"}', growing(10.01)],
      ...reads(1_000, 1),
    ],
    trueAfterSeconds: 15,
  },
  DatabasePoolCritical: { quiet: [pool(18)], loud: pool(19), trueAfterSeconds: 0 },
  DatabasePoolWarning: { quiet: [pool(15)], loud: pool(16), trueAfterSeconds: 0 },
  DatabasePoolWaiting: gauge('db_client_connection_pending_requests{job="api"}', 0, 1),
  DatabaseCircuitOpen: {
    quiet: [circuit('postgres', 0), circuit('fx-ecb', 1)],
    loud: circuit('postgres', 1),
    trueAfterSeconds: 0,
  },
  StatementsSlow: {
    quiet: [slowStatements(49.99)],
    loud: slowStatements(50.01),
    trueAfterSeconds: 15,
  },
  StatementVerySlow: events('db_client_slow_operations_total{job="api",threshold="alert"}', [
    ['db_client_slow_operations_total{job="worker",threshold="alert"}', growing(1)],
    ['db_client_slow_operations_total{job="api",threshold="log"}', growing(1)],
  ]),
  StatementsRepeated: events('db_client_repeating_requests_total{job="api"}'),
  OutboxLate: {
    quiet: [[check('outbox', 'warn', 0), check('queue', 'warn', 1)]],
    loud: [check('outbox', 'warn', 1)],
    trueAfterSeconds: 0,
  },
  JobsLate: gauge('queue_oldest_job_age_seconds{job="worker",queue="fx"}', 300, 300.1),
  DeadLetters: gauge('queue_dead_letters{job="worker"}', 0, 1),
  JobsFailing: { quiet: [failures(3)], loud: failures(4), trueAfterSeconds: 75 },
  QueuePaused: gauge('queue_paused{job="worker",queue="fx"}', 0, 1),
  FxRatesTooOld: {
    quiet: [
      [...ages('stable', 6 * day, 9 * day), ...ages('volatile', 1.5 * day)],
      ages('other', 9 * day),
    ],
    loud: ages('stable', 6 * day + 1, 9 * day),
    trueAfterSeconds: 0,
  },
  FxRatesAging: {
    quiet: [[...ages('stable', 5.5 * day, 9 * day), ...ages('volatile', 7_200)]],
    loud: ages('volatile', 7_201),
    trueAfterSeconds: 0,
  },
  FxProviderCircuitOpen: {
    quiet: [circuit('fx-ecb', 0), circuit('postgres', 1)],
    loud: circuit('fx-ecb', 1),
    trueAfterSeconds: 0,
  },
}
