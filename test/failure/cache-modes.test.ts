import { expect } from 'chai'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { sql } from 'kysely'
import { readConfig } from '#config'
import { createLifecycle, type Lifecycle } from '#platform/lifecycle'
import { startApi } from '../../api/app.ts'
import { addTenant, openBusiness, type Business, type Tenant } from '../support/business.ts'
import { addProducts } from '../support/catalogue.ts'
import { createDatabase, freePort, redisUrl } from '../support/servers.ts'

const path = '/api/v2/products?limit=3'

describe('the modes of the cache, as they are configured', () => {
  let business: Business
  let tenant: Tenant
  let redis: string
  const lifecycles: Lifecycle[] = []

  before(async function () {
    const url = redisUrl() ?? this.skip()
    redis = `${url}/7`
    const admin = new Redis(redis)
    await admin.flushdb()
    admin.disconnect()
    business = await openBusiness({ url: await createDatabase() })
    tenant = await addTenant(business, 'harbour')
    await addProducts(business, tenant, 5)
  })
  afterEach(() => Promise.all(lifecycles.splice(0).map((one) => one.stop())))
  after(() => business?.lifecycle.stop())

  /** The API as `api/main.ts` starts it, in this process. */
  async function start(environment: Readonly<Record<string, string>>) {
    const said: string[] = []
    const write = (line: string): void => void said.push(JSON.parse(line).msg)
    const log = pino({}, { write })
    const lifecycle = createLifecycle(log)
    lifecycles.push(lifecycle)
    const port = String(await freePort())
    const set = {
      DATABASE_URL: business.url,
      PORT: port,
      FX_PROVIDERS: 'demo-replay',
      CACHE_WARM_ENABLED: 'false', // the reads here are those that would be fetched ahead
    }
    await startApi(readConfig({ ...set, ...environment }, 'api'), { log, lifecycle })
    const origin = `http://127.0.0.1:${port}`
    const headers = { authorization: `Bearer ${tenant.secretKey}` }
    return {
      said,
      async get(at = path, more = {}) {
        const answer = await fetch(`${origin}${at}`, { headers: { ...headers, ...more } })
        const text = await answer.text()
        return { status: answer.status, cache: answer.headers.get('cache-status'), text }
      },
      async checks() {
        const answer = await fetch(`${origin}/api/health/detailed`)
        return answer.text()
      },
    }
  }
  const retitle = (title: string) =>
    business.db.run(sql`update products set title = ${title} where slug = 'product-5'`)

  const off: readonly Readonly<Record<string, string>>[] = [
    { CACHE_ENABLED: 'false', REDIS_URL: '' },
    { CACHE_ENABLED: 'false', ENABLE_REDIS_CACHE: 'true' },
  ]
  for (const environment of off) {
    it(`reads each answer from the database with ${JSON.stringify(environment)}`, async () => {
      const api = await start({ REDIS_URL: redis, ...environment })
      for (const title of ['one', 'two', 'three']) {
        await retitle(title)
        const { status, cache, text } = await api.get()
        expect([status, cache]).to.deep.equal([200, 'memory; fwd=bypass'])
        expect(text).to.include(`"title":"${title}"`)
      }
      expect(api.said).to.include('cache off: every read goes to the database')
      expect(api.said.filter((line) => line.startsWith('Redis cache'))).to.deep.equal([])
    })
  }

  const alone: readonly Readonly<Record<string, string>>[] = [
    { REDIS_URL: '' },
    { ENABLE_REDIS_CACHE: 'false' },
  ]
  for (const environment of alone) {
    it(`keeps answers in the process with ${JSON.stringify(environment)}`, async () => {
      const [api, other] = [
        await start({ REDIS_URL: redis, ...environment }),
        await start({ REDIS_URL: redis, ...environment }),
      ]
      expect((await api.get()).cache).to.equal('memory; fwd=miss; stored')
      expect((await api.get()).cache).to.match(/^memory; hit; ttl=\d+$/)
      expect((await other.get()).cache).to.equal('memory; fwd=miss; stored')
      expect(api.said).to.include('Redis cache disabled - using in-memory fallback')
    })
  }

  it('keeps answers in Redis as well when it is there', async () => {
    const [api, other] = [await start({ REDIS_URL: redis }), await start({ REDIS_URL: redis })]
    const first = await api.get()
    expect(first.cache).to.equal('redis; fwd=miss; stored, memory; fwd=miss; stored')
    expect((await api.get()).cache).to.match(/^memory; hit; ttl=\d+$/)
    let seen = await other.get('/api/v2/products?limit=4')
    for (let turn = 0; turn < 50 && !seen.cache?.startsWith('redis; hit'); turn += 1) {
      await api.get(`/api/v2/products?limit=${5 + turn}`)
      seen = await other.get(`/api/v2/products?limit=${5 + turn}`)
    }
    expect(seen.cache).to.match(/^redis; hit; ttl=\d+, memory; fwd=miss; stored$/)
    expect(api.said).to.include('Redis cache initialized')
  })

  it('starts and serves with a Redis that is not there, and says so', async () => {
    const api = await start({ REDIS_URL: `redis://127.0.0.1:${await freePort()}` })
    expect((await api.get()).cache).to.match(/memory; fwd=miss; stored$/)
    expect((await api.get()).cache).to.match(/^memory; hit; ttl=\d+$/)
    expect(api.said).to.include('Redis cache initialization failed')
  })

  it('starts with a cache that is new although Redis knows another database by the same name', async () => {
    const elsewhere = await openBusiness()
    const theirs = await addTenant(elsewhere, 'harbour')
    await addProducts(elsewhere, theirs, 2)
    const api = await start({ REDIS_URL: redis })
    await api.get()
    const beside = await start({ REDIS_URL: redis, DATABASE_URL: elsewhere.url })
    const as = { authorization: `Bearer ${theirs.secretKey}` }
    const read = await beside.get(path, as)
    expect(read.cache).to.equal('redis; fwd=miss; stored, memory; fwd=miss; stored')
    expect(JSON.parse(read.text).data).to.have.length(2)
    await elsewhere.lifecycle.stop()
  })
}).timeout(30_000)
