import { expect } from 'chai'
import { issueAdminToken } from '#members'
import { sql } from 'kysely'
import { startAdmin, adminClient, refusalOf, type AdminClient } from '../support/admin.ts'
import { startApi, type Api } from '../support/api.ts'
import { addTenant, openBusiness, type Business, type Tenant } from '../support/business.ts'
import { addProducts } from '../support/catalogue.ts'
import { parsePrometheus, type Sample } from '../support/prometheus.ts'
import { exchangeRaw } from '../support/raw-socket.ts'
import { recordStatements } from '../support/statements.ts'

const sum = (samples: readonly Sample[], name: string, labels: Record<string, string> = {}) =>
  samples
    .filter((one) => one.name === name)
    .filter((one) => Object.entries(labels).every(([key, value]) => one.labels[key] === value))
    .reduce((total, { value }) => total + value, 0)

describe('the metrics of an API process', () => {
  let business: Business
  let tenant: Tenant
  let api: Api
  let client: AdminClient
  let sent: ReturnType<typeof recordStatements>

  const read = async (path: string, headers: Record<string, string> = {}) => {
    const answer = await api.call('GET', path, { headers })
    expect(answer.status).to.equal(200)
    return answer
  }
  const scrape = async () => parsePrometheus((await read('/metrics')).text)

  before(async () => {
    business = await openBusiness()
    sent = recordStatements(business.db)
    tenant = await addTenant(business, 'harbour')
    await addProducts(business, tenant, 4)
    api = await startApi(business, { cache: { tiers: 'memory' }, limits: {} })
    const origin = await startAdmin(business, { cachePatienceMs: 5_000, deadlineMs: 20_000 })
    const { text } = await issueAdminToken(business, { name: 'viewer', role: 'viewer' })
    client = adminClient(origin, text)
    for (let round = 0; round < 5; round += 1) {
      await api.call('GET', '/api/v2/products', { as: tenant.secretKey })
    }
    await api.call('GET', '/api/v2/products/nothing', { as: tenant.secretKey })
    await api.call('GET', '/api/v2/products')
  })
  after(() => business.lifecycle.stop())

  it('say the same in every form', async () => {
    const samples = await scrape()
    const { performance } = (await read('/api/metrics')).json
    const cache = (await read('/metrics/cache')).json
    const asked = await client.metrics.snapshot.query()
    const own = asked.processes[0]?.figures.performance
    const products = { http_route: '/api/v2/products' }
    const count = 'http_server_request_duration_seconds_count'

    expect(sum(samples, count, { ...products, http_response_status_code: '200' })).to.equal(5)
    expect(sum(samples, count, { ...products, http_response_status_code: '401' })).to.equal(1)
    expect(sum(samples, 'http_server_edge_requests_total')).to.be.greaterThan(0)
    expect(performance.api.edge).to.equal(sum(samples, 'http_server_edge_requests_total'))
    // the scrape is over by the next request, and counted
    expect(performance.api.requests).to.equal(sum(samples, count) + 1)
    expect(sum(samples, 'http_request_duration_seconds_count')).to.equal(sum(samples, count))

    expect(sum(samples, 'cache_hits_total')).to.equal(4)
    expect(sum(samples, 'cache_requests_total', products)).to.equal(5)
    expect(sum(samples, 'cache_requests_total', { ...products, result: 'hit' })).to.equal(4)
    expect(sum(samples, 'cache_misses_total', { ...products, reason: 'absent' })).to.equal(1)
    expect(cache).to.deep.equal({
      hits: 4,
      misses: cache.operations - 4,
      operations: sum(
        samples.filter(({ labels }) => labels['http_route']?.startsWith('/')),
        'cache_requests_total',
      ),
      hitRate: 4 / cache.operations,
    })
    for (const path of ['/api/cache/stats', '/cache/stats', '/api/metrics/cache']) {
      expect((await read(path)).json).to.deep.equal(cache)
    }
    expect(performance.cache).to.deep.equal(cache)
    expect(own?.cache).to.deep.equal(cache)
    const stats = await client.cache.stats.query()
    expect(stats.together.hitRatio).to.equal(cache.hitRate)
    expect(stats.together.reads).to.equal(cache.operations)

    expect(own?.database.pool.max).to.equal(20)
    expect(performance.database.pool.max).to.equal(sum(samples, 'db_client_connection_max'))
    const statements = 'db_client_operation_duration_seconds_count'
    expect(performance.database.statements).to.equal(sum(samples, statements))
    expect(sum(samples, statements, { db_query_summary: 'page products' })).to.equal(1)
  })

  it('have quantiles in order, whole histograms, and the names that are asked for', async () => {
    const { text } = await read('/metrics')
    const samples = parsePrometheus(text)
    const names = new Set(samples.map(({ name }) => name))
    for (const name of [
      'http_request_duration_seconds_bucket',
      'http_server_request_duration_seconds_sum',
      'http_server_active_requests',
      'cache_hits_total',
      'cache_change_log_lag_seconds',
      'cache_size_bytes',
      'db_client_connection_count',
      'db_client_connection_pending_requests',
      'db_client_slow_operations_total',
      'nodejs_eventloop_delay_p99_seconds',
      'nodejs_eventloop_utilization_ratio',
      'nodejs_heap_usage_bytes',
      'process_memory_usage_bytes',
      'process_cpu_time_seconds_total',
      'app_build_info',
    ]) {
      expect(names, name).to.include(name)
    }
    expect(text)
      .to.match(/cache_hits/)
      .and.to.match(/http_request_duration_seconds/)
    const { api: requests, database } = (await read('/api/metrics')).json.performance
    for (const { p50, p95, p99 } of [requests, database]) {
      expect(p50).to.be.greaterThan(0)
      expect(p95).to.be.at.least(p50)
      expect(p99).to.be.at.least(p95)
    }
    const endless = samples.filter(({ labels }) => labels['le'] === '+Inf')
    for (const { name, labels, value } of endless) {
      const { le: _le, ...rest } = labels
      expect(sum(samples, name.replace('_bucket', '_count'), rest)).to.equal(value)
    }
    expect(endless).not.to.deep.equal([])
  })

  it('are read without a statement, and hold no text of a caller', async () => {
    const before = sent.sent.length
    const paths = ['/metrics', '/api/metrics', '/metrics/cache', '/api/cache/stats']
    const texts = await Promise.all(paths.map(async (path) => (await read(path)).text))
    expect(sent.sent.length).to.equal(before)
    expect(texts.join(''))
      .not.to.include(tenant.organisationId)
      .and.not.to.include(tenant.secretKey)
  })

  it('have no more series after ten thousand random paths', async () => {
    await api.call('GET', '/not/there')
    const seriesOf = async () => new Set((await scrape()).map(({ series }) => series)).size
    await seriesOf()
    const before = await seriesOf()
    for (let part = 0; part < 100; part += 1) {
      const heads = Array.from({ length: 100 }, (_, one) => {
        const path = one % 2 === 0 ? `/x${part}/${one}` : `/metrics/${part}-${one}`
        return `GET ${path} HTTP/1.1\r\nHost: a\r\n${one === 99 ? 'Connection: close\r\n' : ''}\r\n`
      })
      await exchangeRaw(api.origin, heads.join(''))
    }
    const samples = await scrape()
    const unmatched = { http_route: '(unmatched)' }
    expect(sum(samples, 'http_server_request_duration_seconds_count', unmatched)).to.be.greaterThan(
      9_999,
    )
    expect(new Set(samples.map(({ series }) => series)).size).to.be.at.most(before + 40)
  })

  it('survive request lines that are none', async () => {
    for (const line of [
      'GET http:// HTTP/1.1',
      'GET /metrics',
      'METRICS / HTTP/9',
      'GET //metrics HTTP/1.1',
    ]) {
      await exchangeRaw(api.origin, `${line}\r\nHost: a\r\nConnection: close\r\n\r\n`)
    }
    await read('/metrics')
  })

  it('name the slow statements to operators, and explain them for whatever values', async () => {
    const scope = business.db.watch.open(() => '/api/v2/planted')
    await scope.run(() =>
      business.db.run(sql`select code from assets, pg_sleep(0.11) where code = ${'EUR'}`),
    )
    scope.close()
    const { statements, ...asked } = await client.metrics.slowQueries.query()
    expect(asked).to.deep.equal({ known: 1, answered: 1 })
    const slow = statements.find(({ route }) => route === '/api/v2/planted')
    expect(slow?.statement).to.equal('select code from assets, pg_sleep(?) where code = $1')
    expect(slow?.count).to.equal(1)
    const fingerprint = slow?.fingerprint ?? ''
    const { plan } = await client.metrics.plan.query({ fingerprint })
    expect(JSON.stringify(plan)).to.include('"Relation Name":"assets"')
    const unknown = await refusalOf(client.metrics.plan.query({ fingerprint: '0'.repeat(12) }))
    expect(unknown.data).to.include({ slug: 'cache/not-kept' })
    const samples = await scrape()
    const counted = sum(samples, 'db_client_slow_operations_total', { threshold: 'log' })
    // whatever else a loaded machine makes slow is in both
    const kept = business.db.watch.slow.list()
    expect(counted).to.equal(kept.reduce((total, { count }) => total + count, 0))
  })

  it('name the N+1 patterns to operators', async () => {
    expect((await client.metrics.nPlusOne.query()).patterns).to.deep.equal([])
    const scope = business.db.watch.open(() => '/api/v2/planted')
    await scope.run(async () => {
      for (const code of ['EUR', 'USD', 'GBP', 'JPY', 'AUD']) {
        await business.db.run(sql`select name from assets where code = ${code}`)
      }
    })
    scope.close()
    const [pattern, ...others] = (await client.metrics.nPlusOne.query()).patterns
    expect(others).to.deep.equal([])
    expect(pattern).to.include({
      route: '/api/v2/planted',
      statement: 'select name from assets where code = $1',
      requests: 1,
      repeatsMax: 5,
    })
    expect(sum(await scrape(), 'db_client_repeating_requests_total')).to.equal(1)
  })

  it('tell operators what answers cost in statements, and which cost more than they may', async () => {
    await api.call('GET', '/api/v2/assets?limit=1', { as: tenant.secretKey })
    const { routes } = await client.metrics.queryBudgets.query()
    const assets = routes.find(({ route }) => route === '/api/v2/assets')
    expect(assets).to.include({ statementsMax: 1, statementsMost: 1, overCount: 0 })
    const name = 'http_server_statement_budget_overruns_total'
    expect(sum(await scrape(), name)).to.equal(0)
    const scope = business.db.watch.open(() => '/api/v2/assets')
    await scope.run(async () => {
      business.db.watch.allow(1)
      await business.db.run(sql`select name from assets where code = 'EUR'`)
      await business.db.run(sql`select name from assets where code = 'USD'`)
    })
    scope.close()
    const [worst] = (await client.metrics.queryBudgets.query()).routes
    expect(worst).to.include({ route: '/api/v2/assets', statementsMost: 2, overCount: 1 })
    expect(sum(await scrape(), name)).to.equal(1)
  })

  it('tell the last hour, interval by interval', async () => {
    const [own] = (await client.metrics.series.query()).processes
    expect(own?.figures).to.be.an('array')
  })
})

describe('the metrics of an API process whose pool is used up', () => {
  let business: Business
  let api: Api

  before(async () => {
    business = await openBusiness({ connectionsMax: 1 })
    api = await startApi(business)
  })
  after(() => business.lifecycle.stop())

  it('are read all the same, and say so', async () => {
    const held = await business.db.pool.connect()
    const waiting = business.db.run(sql`select 1`)
    const { text } = await api.call('GET', '/metrics')
    const samples = parsePrometheus(text)
    expect(
      sum(samples, 'db_client_connection_count', { db_client_connection_state: 'used' }),
    ).to.equal(1)
    expect(sum(samples, 'db_client_connection_pending_requests')).to.equal(1)
    held.release()
    await waiting
  })
})

describe('who may read the metrics of an API process', () => {
  let business: Business
  let strict: Api
  const token = 'a-token-of-the-metrics'

  before(async () => {
    business = await openBusiness()
    strict = await startApi(business, { metrics: { token, isLocalAllowed: false } })
  })
  after(() => business.lifecycle.stop())

  const statusOf = async (api: Api, path: string, headers: Record<string, string> = {}) =>
    (await api.call('GET', path, { headers })).status

  it('is who has the token, and nobody else', async () => {
    for (const path of ['/metrics', '/api/metrics', '/metrics/cache', '/api/cache/stats']) {
      expect(await statusOf(strict, path)).to.equal(401)
      expect(await statusOf(strict, path, { authorization: `Bearer ${token}x` })).to.equal(401)
      expect(await statusOf(strict, path, { authorization: `Basic ${token}` })).to.equal(401)
      expect(await statusOf(strict, path, { authorization: `Bearer ${token}` })).to.equal(200)
    }
  })

  it('is no caller who writes the path in another way', async () => {
    for (const path of [
      '/metrics?x=/health',
      '/METRICS',
      '//metrics',
      '/%6detrics',
      '/metrics/',
      '/health/../metrics',
    ]) {
      const answer = await exchangeRaw(
        strict.origin,
        `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
      )
      expect(answer, path).to.match(/^HTTP\/1\.1 4\d\d /)
      expect(answer).not.to.include('http_request_duration')
    }
  })

  it('is the same machine where that is allowed, but not what a proxy on it brings from elsewhere', async () => {
    const open = await startApi(business, { metrics: { token: undefined, isLocalAllowed: true } })
    expect(await statusOf(open, '/metrics')).to.equal(200)
    expect(await statusOf(open, '/metrics', { 'x-forwarded-for': '203.0.113.7' })).to.equal(401)
    expect(await statusOf(open, '/metrics', { forwarded: 'for=203.0.113.7' })).to.equal(401)
  })
})
