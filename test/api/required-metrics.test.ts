import { expect } from 'chai'
import { issueAdminToken } from '#members'
import { parsePrometheus, type Sample } from '../support/prometheus.ts'
import { addTenant, openBusiness, type Business } from '../support/business.ts'
import { startChild, type Child } from '../support/child.ts'
import { startSentry, type Sentry } from '../support/sentry.ts'
import { freePort } from '../support/servers.ts'
import { eventually } from '../platform/queue/fixture.ts'

// Reads like REQUIREMENTS N, against a real process of the API. N-03, N-08 and N-12 are of the files in deploy; N-10 is the
// weekly report of the worker (test/worker/jobs/review-week.test.ts).

const metricsToken = 'a-token-of-the-metrics'

type Asked = {
  readonly json: any
  readonly text: string
  readonly samples: readonly Sample[]
}
type Row = readonly [id: string, path: string, what: string, holds: (asked: Asked) => void]

const named = ({ samples }: Asked) => new Set(samples.map(({ name }) => name))
const quantiles = ['p50', 'p95', 'p99'] as const

const rows: readonly Row[] = [
  [
    'N-01',
    '/api/metrics',
    'performance statistics with the hit rate of the cache, hits and misses',
    ({ json: { performance } }) => {
      const { hits, misses, hitRate, operations } = performance.cache
      expect(hits).to.be.above(0)
      expect(hitRate).to.equal(hits / operations)
      expect(hits + misses).to.equal(operations)
    },
  ],
  [
    'N-02',
    '/metrics',
    'Prometheus text in which cache_hits and http_request_duration_seconds are found',
    (asked) => {
      expect(asked.text).to.include('cache_hits').and.include('http_request_duration_seconds')
      expect(named(asked)).to.include('http_request_duration_seconds_bucket')
      expect(named(asked)).to.include('cache_hits_total')
    },
  ],
  [
    'N-04',
    '/api/metrics',
    'p50, p95 and p99 of the API and of the database, hit rate, error rate, memory',
    ({ json: { performance } }) => {
      for (const part of [performance.api, performance.database]) {
        const [p50, p95, p99] = quantiles.map((name) => part[name])
        expect(p50).to.be.above(0)
        expect(p95).to.be.at.least(p50)
        expect(p99).to.be.at.least(p95)
      }
      expect(performance.api.errorRate).to.be.above(0).and.below(1)
      expect(performance.cache.hitRate).to.be.above(0)
      expect(performance.memory.rssBytes).to.be.above(1e7)
    },
  ],
  [
    'N-05',
    '/api/metrics',
    'utilisation of the pool, query times; errors, throughput; memory, processor time, connections',
    ({ json: { performance } }) => {
      const { pool, statements } = performance.database
      expect(pool.utilization).to.equal(pool.active / pool.max)
      expect(pool.max).to.equal(10)
      expect(statements).to.be.above(0)
      expect(performance.api.requests).to.be.above(0)
      expect(performance.api.errors).to.be.above(0)
      expect(performance.cpu.seconds).to.be.above(0)
      expect(performance.eventLoop).to.have.all.keys('p50', 'p99', 'utilization')
    },
  ],
  [
    'N-05',
    '/metrics',
    'the same for a collector',
    (asked) => {
      for (const name of [
        'db_client_connection_count',
        'db_client_connection_max',
        'db_client_connection_pending_requests',
        'db_client_operation_duration_seconds_bucket',
        'process_memory_usage_bytes',
        'process_cpu_time_seconds_total',
        'nodejs_eventloop_utilization_ratio',
      ]) {
        expect(named(asked), name).to.include(name)
      }
    },
  ],
  [
    'N-13',
    '/metrics/cache',
    'hits, misses, hitRate, operations',
    ({ json }) => {
      expect(json).to.have.all.keys('hits', 'misses', 'hitRate', 'operations')
    },
  ],
]

describe('metrics, error tracking and logs of the API, as they were asked for', () => {
  let business: Business
  let sentry: Sentry
  let child: Child
  let origin: string
  let failed: any

  before(async () => {
    business = await openBusiness()
    const { secretKey } = await addTenant(business, 'harbour')
    const admin = await issueAdminToken(business, { name: 'Ada', role: 'admin' })
    sentry = await startSentry()
    const port = String(await freePort())
    origin = `http://127.0.0.1:${port}`
    child = await startChild('api', {
      DATABASE_URL: business.url,
      REDIS_URL: '',
      PORT: port,
      FX_PROVIDERS: 'demo-replay',
      METRICS_TOKEN: metricsToken,
      METRICS_ALLOW_LOCAL: 'false',
      ENABLE_TEST_ERROR: 'true',
      SENTRY_DSN: sentry.dsn,
      SENTRY_RELEASE: '0.1.0',
      SLOW_QUERY_LOG_MS: '100',
    })
    for (let time = 0; time < 5; time += 1) {
      await fetch(`${origin}/api/v2/products`, { headers: bearing(secretKey) })
    }
    const answer = await fetch(`${origin}/api/test/error`, {
      method: 'POST',
      headers: bearing(admin.text),
    })
    failed = await answer.json()
  })
  after(async () => {
    await child?.stop()
    await sentry?.close()
    await business.lifecycle.stop()
  })

  const bearing = (token: string) => ({ authorization: `Bearer ${token}` })

  for (const [id, path, what, holds] of rows) {
    it(`${id} ${path}: ${what}`, async () => {
      const answer = await fetch(`${origin}${path}`, { headers: bearing(metricsToken) })
      const text = await answer.text()
      expect(answer.status).to.equal(200)
      const isJson = answer.headers.get('content-type')?.includes('json') === true
      holds({
        text,
        json: isJson ? JSON.parse(text) : {},
        samples: isJson ? [] : parsePrometheus(text),
      })
    })
  }

  it('N-01 takes the bearer token and nothing else', async () => {
    for (const path of ['/api/metrics', '/metrics', '/metrics/cache', '/api/cache/stats']) {
      expect((await fetch(`${origin}${path}`)).status, path).to.equal(401)
      const wrong = await fetch(`${origin}${path}`, { headers: bearing('another') })
      expect(wrong.status, path).to.equal(401)
    }
  })

  it('N-06 every error reaches the tracker, with its release and the trace of its request', async () => {
    const event = await eventually(() => sentry.events[0])
    expect(event).to.include({ level: 'error', release: '0.1.0' })
    expect(event.contexts.trace.trace_id).to.equal(failed.traceId)
    expect(sentry.events).to.have.length(1)
  })

  it('N-09 the log is JSON, one line for each event, with the same trace', () => {
    const line = child.lines.find((one) => one['msg'] === 'request failed')
    expect(line).to.include({ level: 'error', trace_id: failed.traceId })
    for (const one of child.lines) {
      expect(one).to.include.keys('level', 'time', 'msg')
    }
  })

  it('N-11 SLOW QUERY is the marker of a slow statement, and found nowhere else', async () => {
    const slow = () => child.lines.filter((line) => JSON.stringify(line).includes('SLOW QUERY'))
    const before = slow().length
    const key = (await addTenant(business, 'slow')).secretKey
    await business.db.fork().transactional(async (locked) => {
      await locked.execute('lock table products')
      const asked = fetch(`${origin}/api/v2/products?limit=3`, { headers: bearing(key) })
      await locked.execute('select pg_sleep(0.2)')
      void asked.then((answer) => answer.arrayBuffer())
    })
    const line = await eventually(() => slow()[before])
    expect(line['msg']).to.match(/^SLOW QUERY/)
    expect(line['durationMs']).to.be.at.least(100)
    expect(line['fingerprint']).to.match(/^[\da-f]{12}$/)
  })
}).timeout(60_000)
