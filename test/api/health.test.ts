import { once } from 'node:events'
import { get } from 'node:http'
import { expect } from 'chai'
import {
  addTenant,
  openBusiness,
  publishRates,
  ecbRates,
  type Business,
} from '../support/business.ts'
import { startChild, type Child } from '../support/child.ts'
import { freePort, redisUrl } from '../support/servers.ts'

// Reads like REQUIREMENTS M, whose figures are budgets of the checks here and are measured by `npm run bench -- health`.

type Asked = { readonly status: number; readonly body: any; readonly headers: Headers }
type Row = readonly [id: string, path: string, what: string, holds: (asked: Asked) => void]

const rows: readonly Row[] = [
  [
    'M-01',
    '/api/health',
    'the database and the cache, each healthy with its latency',
    ({ body }) => {
      for (const name of ['database', 'cache']) {
        expect(body.services[name], name).to.include({ healthy: true })
        expect(body.services[name].latency, name).to.be.a('number')
      }
    },
  ],
  [
    'M-02',
    '/api/health',
    'status, timestamp and uptime in seconds',
    ({ body }) => {
      expect(body.status).to.equal('healthy')
      expect(new Date(body.timestamp).toISOString()).to.equal(body.timestamp)
      expect(body.uptime).to.be.a('number').and.satisfy(Number.isInteger)
    },
  ],
  [
    'M-03',
    '/api/health',
    'memory in bytes, below 90 percent',
    ({ body: { memory } }) => {
      expect(memory.used).to.be.above(0).and.below(memory.total)
      expect(memory.percentage).to.equal(Math.round((100 * memory.used) / memory.total))
      expect(memory.percentage).to.be.below(90)
    },
  ],
  [
    'M-04',
    '/api/health/live',
    'ok, for monitors that look for it',
    ({ body }) => {
      expect(body).to.deep.equal({ status: 'ok' })
    },
  ],
  [
    'M-05',
    '/health',
    'the same without /api',
    ({ body }) => {
      expect(body).to.have.all.keys(
        'status',
        'timestamp',
        'uptime',
        'version',
        'services',
        'memory',
        'checks',
      )
    },
  ],
  [
    'M-06',
    '/api/health/detailed',
    'the database: healthy, how fast, how much of its pool is in use',
    ({ body }) => {
      expect(body.services.database).to.include({ status: 'healthy', healthy: true })
      expect(body.metrics.database).to.have.all.keys(
        'active',
        'idle',
        'waiting',
        'max',
        'utilization',
        'waits',
      )
      expect(body.metrics.database.max).to.equal(10)
      expect(body.metrics.database.utilization).to.be.within(0, 1)
    },
  ],
  [
    'M-06',
    '/api/health/detailed',
    'the cache: its hit rate and whether Redis is connected',
    ({ body }) => {
      expect(body.services.cache).to.include({ backend: 'redis', redis: true })
      const { hits, misses, operations, hitRate } = body.metrics.cache
      expect(hits + misses).to.equal(operations)
      expect(hitRate).to.be.within(0, 1)
    },
  ],
  [
    'M-06',
    '/api/health/detailed',
    'performance, and the system under it',
    ({ body }) => {
      expect(body.metrics.api).to.have.all.keys(
        'p50',
        'p95',
        'p99',
        'errorRate',
        'operations',
        'edge',
      )
      expect(body.system.loadavg).to.have.length(3)
      expect(body.system.rss).to.be.above(1e7)
      expect(body.system.cpu).to.be.above(0)
      expect(body.system.eventLoop).to.have.all.keys('p99', 'utilization')
      expect(body.system.connections.database).to.be.a('number')
    },
  ],
  [
    'M-07',
    '/api/health/advanced',
    'every check with what it found, and the metrics',
    ({ body }) => {
      expect(body.checks).to.have.all.keys(
        'database',
        'cache',
        'queue',
        'fx',
        'ledger',
        'outbox',
        'memory',
        'eventLoop',
        'pool',
        'circuit',
        'migrations',
      )
      expect(body.checks.fx.oldest_rate_s).to.be.within(0, 86_400)
      expect(body.checks.ledger).to.include({ balanced: true })
      expect(body.checks.outbox).to.include({ lag_s: 0 })
      expect(body.checks.migrations.latest).to.match(/^\d{4}-/)
      expect(body.checks.database.lastSuccessAt).to.be.a('string')
      expect(body.metrics).to.have.all.keys('api', 'database', 'cache')
    },
  ],
  [
    'M-08',
    '/health/database',
    'status, database, poolMetrics, circuitBreaker',
    ({ body }) => {
      expect(body).to.have.all.keys(
        'status',
        'timestamp',
        'database',
        'poolMetrics',
        'circuitBreaker',
      )
      expect(body.status).to.equal('healthy')
      expect(body.database).to.include({ healthy: true })
      expect(body.circuitBreaker).to.deep.equal({
        state: 'CLOSED',
        failures: 0,
        nextAttemptAt: null,
        transitions: { CLOSED: 0, OPEN: 0, HALF_OPEN: 0 },
      })
    },
  ],
  [
    'M-10',
    '/health/detailed',
    'a status made from thresholds: each check says pass, warn or fail, and memory, loop and connections are among them',
    ({ body }) => {
      const states = Object.values<{ status: string }>(body.checks).map(({ status }) => status)
      // no worker has ever run here
      expect(body.checks.queue.status).to.equal('warn')
      expect(states).not.to.include('fail')
      expect(body.checks).to.include.keys('memory', 'eventLoop', 'pool', 'circuit')
      expect(body.status).to.equal('degraded')
    },
  ],
  [
    'M-11',
    '/api/health',
    'what a monitor outside reads without a credential, by no cache in between',
    ({ headers }) => {
      expect(headers.get('cache-control')).to.equal('no-store')
    },
  ],
]

const guarded = ['/health/detailed', '/health/advanced', '/health/database']
const open = ['/health', '/health/live', '/health/ready', '/health/startup']
const spellings = (paths: readonly string[]) => paths.flatMap((path) => [path, `/api${path}`])

describe('health of the API, as it was asked for', () => {
  let business: Business
  let token = ''
  const children: Child[] = []

  before(async function () {
    const redis = redisUrl()
    if (redis === undefined) {
      this.skip()
    }
    business = await openBusiness()
    token = (await addTenant(business, 'harbour')).secretKey
    await publishRates(business, ecbRates)
    origin = await start({})
  })
  after(async () => {
    await Promise.all(children.map((one) => one.stop()))
    await business?.lifecycle.stop()
  })
  let origin: string

  /** A real process of the API. */
  async function start(environment: Readonly<Record<string, string>>): Promise<string> {
    const port = String(await freePort())
    const set = { DATABASE_URL: business.url, PORT: port, FX_PROVIDERS: 'ecb' }
    children.push(await startChild('api', { ...set, REDIS_URL: redisUrl() ?? '', ...environment }))
    return `http://127.0.0.1:${port}`
  }

  async function ask(
    path: string,
    headers: Record<string, string> = {},
    at = origin,
  ): Promise<Asked> {
    const answer = await fetch(`${at}${path}`, { headers })
    return { status: answer.status, headers: answer.headers, body: await answer.json() }
  }

  /** `fetch` sends no Host of one's own. */
  async function statusFor(url: string, host: string): Promise<number | undefined> {
    const [response] = await once(get(url, { headers: { host } }), 'response')
    response.resume()
    return response.statusCode
  }

  for (const [id, path, what, holds] of rows) {
    it(`${id} ${path}: ${what}`, async () => {
      const asked = await ask(path)
      expect(asked.status).to.equal(200)
      holds(asked)
    })
  }

  it('V-09 says ok instead where that is configured, and only in the basic answer', async () => {
    const at = await start({ HEALTH_BASIC_STATUS: 'ok' })
    expect((await ask('/api/health', {}, at)).body.status).to.equal('ok')
    expect((await ask('/health/database', {}, at)).body.status).to.equal('healthy')
  })

  it('V-10 serves every path with and without /api', async () => {
    for (const path of spellings([...open, ...guarded])) {
      expect((await ask(path)).status, path).to.equal(200)
    }
  })

  it('shows details to operators alone: with the token, or on this machine where that is allowed', async () => {
    const closed = await start({
      METRICS_ALLOW_LOCAL: 'false',
      METRICS_TOKEN: 'a-token-of-operators',
    })
    const bearing = (text: string) => ({ authorization: `Bearer ${text}` })
    for (const path of spellings(guarded)) {
      const statuses = [
        (await ask(path, {}, closed)).status,
        (await ask(path, bearing('another'), closed)).status,
        (await ask(path, bearing(token), closed)).status,
        (await ask(path, bearing('a-token-of-operators'), closed)).status,
        (await ask(path, { 'x-forwarded-for': '203.0.113.7' })).status,
        await statusFor(`${origin}${path}`, 'rebound.example'),
      ]
      expect(statuses, path).to.deep.equal([401, 401, 401, 200, 401, 401])
    }
    for (const path of spellings(open)) {
      expect((await ask(path, {}, closed)).status, path).to.equal(200)
    }
    expect((await ask('/health/detailed', {}, closed)).headers.get('www-authenticate')).to.equal(
      'Bearer realm="tidegate"',
    )
  })

  it('names no host and no address, not even to operators', async () => {
    const { port } = new URL(business.url)
    const texts = await Promise.all(
      [...open, ...guarded].map(async (path) => JSON.stringify((await ask(path)).body)),
    )
    for (const secret of ['127.0.0.1', 'localhost', `:${port}`, 'postgresql:', 'redis:']) {
      expect(texts.join('\n')).not.to.include(secret)
    }
  })
}).timeout(60_000)
