import { expect } from 'chai'
import { sql } from 'kysely'
import { eventually } from '../platform/queue/fixture.ts'
import { addTenant, openBusiness, type Business, type Tenant } from '../support/business.ts'
import { addProducts } from '../support/catalogue.ts'
import { startChild, type Child } from '../support/child.ts'
import { freePort } from '../support/servers.ts'

describe('a process of the API that warms itself', () => {
  let business: Business
  let tenant: Tenant
  let origin: string
  let environment: Record<string, string>
  let child: Child | undefined
  before(async () => {
    business = await openBusiness()
    tenant = await addTenant(business, 'harbour')
    await addProducts(business, tenant, 5)
  })
  after(() => business.lifecycle.stop())
  beforeEach(async () => {
    const port = await freePort()
    origin = `http://127.0.0.1:${port}`
    environment = {
      DATABASE_URL: business.url,
      REDIS_URL: '',
      FX_PROVIDERS: 'demo-replay',
      PORT: String(port),
      CACHE_WARM_ENABLED: 'true',
      DATABASE_LOCK_TIMEOUT_MS: '3000',
    }
  })
  afterEach(async () => {
    await child?.stop()
    child = undefined
  })

  const statusOf = (path: string): Promise<number | undefined> =>
    fetch(`${origin}${path}`).then(
      ({ status }) => status,
      () => undefined,
    )
  const get = (path: string): Promise<Response> =>
    fetch(`${origin}${path}`, { headers: { authorization: `Bearer ${tenant.secretKey}` } })
  const told = (word: string) => child?.lines.find(({ msg }) => String(msg).includes(word))

  it('lives while it does, and is ready afterwards', async () => {
    const other = await business.db.pool.connect()
    await other.query('begin; lock table categories')
    const starting = startChild('api', environment)
    await eventually(async () => (await statusOf('/api/health/live')) === 200 || undefined)
    expect(await statusOf('/api/health/ready')).to.equal(503)
    await other.query('commit')
    other.release()
    child = await starting
    expect(await statusOf('/api/health/ready')).to.equal(200)
    expect(told('Cache warm-up completed')).to.deep.include({ failed: 0, isComplete: true })
    expect(told('Cache warm-up completed')?.['msg']).to.include('Cache warmup complete')
    expect((await get('/api/v2/categories')).headers.get('cache-status')).to.match(/^memory; hit/)
  })

  it('leaves to the next one what its readers wanted', async () => {
    child = await startChild('api', environment)
    await get('/api/v2/products?limit=3')
    await get('/api/v2/products?limit=3')
    expect((await child.stop()).code).to.equal(0)
    const rows = await business.db.run(
      sql`select url from cache_demand where audience = ${tenant.organisationId}`,
    )
    expect(rows).to.deep.include({ url: '/api/v2/products?limit=3' })
    child = await startChild('api', environment)
    const { headers } = await get('/api/v2/products?limit=3')
    expect(headers.get('cache-status')).to.match(/^memory; hit/)
  })

  it('stops in order in the middle of it', async () => {
    const other = await business.db.pool.connect()
    await other.query('begin; lock table categories')
    child = await startChild('api', { ...environment, CACHE_WARM_BUDGET_MS: '100' })
    expect(told('goes on beside the requests')).to.include({ budgetMs: 100 })
    expect((await child.stop()).code).to.equal(0)
    await other.query('rollback')
    other.release()
    expect(told('shutdown was not clean')).to.equal(undefined)
    expect(told('warm-up is not complete')).to.include({ isComplete: false })
  })

  it('does not where it is switched off', async () => {
    child = await startChild('api', { ...environment, CACHE_WARM_ENABLED: 'false' })
    const { headers } = await get('/api/v2/categories')
    expect(headers.get('cache-status')).to.equal('memory; fwd=miss; stored')
    expect(told('warm')).to.equal(undefined)
  })
}).timeout(60_000)
