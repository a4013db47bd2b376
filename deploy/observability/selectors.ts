/** The processes, as Prometheus' jobs are called. */
export const jobs = ['api', 'worker', 'admin'] as const

const served = 'http_route=~"/api/.+",http_route!~"/api/(metrics|cache|test)(/.*)?"'

/** Requests that callers of the API sent: routes that exist, without what operators and monitors ask. */
export const apiRequests = (more = ''): string => `{job="api",${served}${more && `,${more}`}}`

const duration = 'http_server_request_duration_seconds'

/** Requests a second over a window. */
export const requestRate = (window: string, more?: string): string =>
  `sum(rate(${duration}_count${apiRequests(more)}[${window}]))`

/** Share that was answered with 5xx; absent without requests. */
export const errorRatio = (window: string): string =>
  `(${requestRate(window, 'http_response_status_code=~"5.."')} or vector(0)) / ${requestRate(window)}`

/** Share that took longer. Exact where the figure is the end of a class. */
export const slowRatio = (seconds: number, window: string): string =>
  `1 - sum(rate(${duration}_bucket${apiRequests(`le="${seconds}"`)}[${window}])) / ${requestRate(window)}`

/** Upper end of what that share of requests took. */
export const requestQuantile = (share: number, window: string, more?: string): string =>
  `histogram_quantile(${share}, sum by (le) (rate(${duration}_bucket${apiRequests(more)}[${window}])))`

const reads = 'job="api",http_route=~"/.+"'

/** Reads a second; verdicts on credentials aside. */
export const readRate = (window: string): string =>
  `sum(rate(cache_requests_total{${reads}}[${window}]))`

/** Share of reads for which nobody waited for the database. */
export const hitRatio = (window: string): string =>
  `sum(rate(cache_hits_total{job="api"}[${window}])) / ${readRate(window)}`

/** Share of its pool that a process uses. */
export const poolRatio =
  'db_client_connection_count{db_client_connection_state="used"} / ignoring(db_client_connection_state) db_client_connection_max'

/** Share of the heap that Node may use. */
export const heapRatio =
  'nodejs_heap_usage_bytes{kind="used"} / ignoring(kind) nodejs_heap_usage_bytes{kind="limit"}'
