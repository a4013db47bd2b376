import { expect } from 'chai'
import { sql } from 'kysely'
import { pino } from 'pino'
import { systemRandom } from '#platform/random'
import { eventually } from '../platform/queue/fixture.ts'
import { startApi, type Answer, type Api } from '../support/api.ts'
import {
  addMember,
  addTenant,
  ecbRates,
  openBusiness,
  publishRates,
  type Business,
  type Tenant,
} from '../support/business.ts'
import { addProducts, type Shop } from '../support/catalogue.ts'
import { createTestClock } from '../support/clock.ts'
import { addLinks } from '../support/links.ts'
import { recordStatements } from '../support/statements.ts'

const hit = /^memory; hit; ttl=\d+$/
const miss = 'memory; fwd=miss; stored'
const cache = { tiers: 'memory' } as const

type Line = Readonly<Record<string, unknown>> & { readonly msg: string }

describe('what is fetched before somebody asks', () => {
  let business: Business
  let tenant: Tenant
  let shop: Shop
  let said: Line[]
  const opened: Business[] = []

  beforeEach(async () => {
    business = await openBusiness({ fx: { providers: ['ecb'] } })
    opened.push(business)
    tenant = await addTenant(business, 'harbour')
    await publishRates(business, ecbRates)
    shop = await addProducts(business, tenant, 120)
    await addLinks(business, tenant, 2)
    said = []
  })
  afterEach(async () => {
    for (const one of opened.splice(0).toReversed()) {
      await one.lifecycle.stop()
    }
  })

  const start = (warmBudgetMs = 9_500, of = business): Promise<Api> => {
    const log = pino({}, { write: (line: string) => void said.push(JSON.parse(line)) })
    return startApi({ ...of, log }, { cache, warmBudgetMs })
  }
  const statusOf = ({ headers }: Answer): string => headers.get('cache-status') ?? ''
  const get = (api: Api, path: string, as = tenant.secretKey): Promise<Answer> =>
    api.call('GET', path, { as })
  const lineOf = (word: string): Line | undefined => said.find(({ msg }) => msg.includes(word))

  it('is what resources and routes declare, at the first start, and the log says so', async () => {
    const api = await start()
    const newest = shop.productIds.toReversed()
    const paths = [
      '/api/v2/assets',
      '/api/v2/fx/rates?base=GBP&quotes=EUR,USD,AUD,JPY',
      '/api/v2/payment-links',
      '/api/v2/categories',
      '/api/v2/products',
      `/api/v2/products/${newest[0]}`,
      `/api/v2/products/${newest[99]}`,
    ]
    for (const path of paths) {
      expect(statusOf(await get(api, path)), path).to.match(hit)
    }
    expect(statusOf(await get(api, `/api/v2/products/${newest[100]}`))).to.equal(miss)
    expect(lineOf('Cache warm-up completed')?.msg).to.include('Cache warmup complete')
    expect(lineOf('Cache warm-up completed')).to.deep.include({
      count: 105,
      filled: 105,
      failed: 0,
      refused: 0,
      sources: { declared: 105 },
    })
    expect(lineOf('Cache warm-up completed')?.['ms']).to.be.a('number')
  })

  it('is no read in the figures', async () => {
    const { slice } = await start()
    expect(slice.cache.report().routes).to.deep.equal({})
    expect(slice.cache.report().entries).to.equal(105)
  })

  it('is true: what is changed afterwards is fetched anew', async () => {
    const api = await start()
    await business.db.run(sql`update products set title = 'New' where id = ${shop.productIds[119]}`)
    await api.slice.cache.catchUp()
    const { json } = await get(api, `/api/v2/products/${shop.productIds[119]}`)
    expect(json.data.title).to.equal('New')
  })

  it('is the first page of members who were active lately, as they see it', async () => {
    const present = await addMember(business, tenant.organisationId, 'present@example.org')
    const absent = await addMember(business, tenant.organisationId, 'absent@example.org')
    await business.db.run(sql`
      update members set last_active_at = now() - interval '1 day' where id = ${present.memberId}`)
    const api = await start()
    expect(statusOf(await get(api, '/api/v2/payment-links', present.token))).to.match(hit)
    expect(statusOf(await get(api, '/api/v2/payment-links', absent.token))).to.equal(miss)
    expect(lineOf('Cache warm-up completed')).to.deep.include({
      sources: { declared: 105, members: 2 },
    })
  })

  it('is passed over where it is no question any more', async () => {
    await business.db.run(sql`
      insert into cache_demand
      select ${tenant.organisationId}, url, 9, now()
        from unnest(array['/nowhere', '/api/v2/products?limit=much', '/api/v2/products?cursor=abc', '/api/v2/me',
                          '/api/v2/products/none', 'http://', '/api/v2/products/%FF', '/api/v2/products?limit=7']) as url`)
    const api = await start()
    expect(lineOf('Cache warm-up completed')).to.deep.include({
      failed: 0,
      sources: { hot: 1, declared: 105 },
    })
    expect(statusOf(await get(api, '/api/v2/products?limit=7'))).to.match(hit)
  })

  it('holds nobody up who needs the database, and waits itself', async () => {
    const small = await openBusiness({ url: business.url, connectionsMax: 3 })
    opened.push(small)
    const statements = recordStatements(small.db)
    const api = await startApi(small, { cache })
    const taken = [await small.db.pool.connect(), await small.db.pool.connect()]
    const warming = api.warming.run('declared')
    for (let turn = 0; turn < 20; turn += 1) {
      expect((await get(api, `/api/v2/roles?limit=${turn + 1}`)).status).to.equal(200)
    }
    expect(statements.count('products')).to.equal(0)
    taken.forEach((one) => one.release())
    expect(await warming).to.include({ filled: 105, isComplete: true })
  })

  it('takes no longer than its budget; the process then serves, and the rest follows', async () => {
    const other = await business.db.pool.connect()
    await other.query('begin; lock table categories')
    const api = await start(100)
    expect(lineOf('goes on beside the requests')).to.include({ budgetMs: 100 })
    expect((await get(api, '/api/v2/roles')).status).to.equal(200)
    await other.query('commit')
    other.release()
    await eventually(() => lineOf('Cache warm-up completed'))
    expect(statusOf(await get(api, `/api/v2/products/${shop.productIds[119]}`))).to.match(hit)
  })

  it('leaves no trace of a person: rare searches, texts that may name one, and what a member reads', async () => {
    const { token, memberId } = await addMember(business, tenant.organisationId, 'a@example.org')
    const api = await start()
    const written = [
      '/api/v2/products?slug=product-1',
      '/api/v2/payment-links?currency=GBP&status=open',
      '/api/v2/fx/rates?base=GBP&quotes=EUR',
      '/api/v2/fx/rates/history?base=EUR&quote=USD',
      `/api/v2/members/${memberId}?fields=id`,
      `/api/products/${shop.productIds[0]}`,
      '/api/products?limit=3&page=2',
    ]
    const kept = [
      '/api/v2/products/search?q=ribbon',
      '/api/v2/members?email=a@example.org',
      '/api/v2/payment-links?reference=INV-1',
      '/api/v2/me',
      '/api/users?email=a@example.org',
    ]
    for (const path of [...written, ...kept]) {
      expect((await get(api, path)).status, path).to.equal(200)
    }
    for (let turn = 0; turn < 5; turn += 1) {
      await get(api, '/api/v2/products/search?q=lantern')
      await get(api, '/api/v2/members?email=often@example.org')
    }
    await get(api, '/api/v2/payment-links?limit=9', token)
    await get(api, '/api/v2/assets?limit=9', token)
    await api.warming.record()
    const rows = await business.db.run(sql<{ audience: string; url: string }>`
      select audience, url from cache_demand order by url`)
    const urls = rows.map(({ url }) => decodeURIComponent(url))
    expect(urls).to.have.members([
      ...written,
      '/api/v2/assets?limit=9',
      '/api/v2/products/search?q=lantern',
    ])
    const audiences = new Set(rows.map(({ audience }) => audience))
    expect([...audiences]).to.have.members(['', tenant.organisationId])
  })

  it('counts what the edge sent, and what an earlier answer served, and each once', async () => {
    const api = await start()
    for (let turn = 0; turn < 12; turn += 1) {
      if (turn === 9) {
        await business.db.run(sql`update products set title = title || ' now'`)
        await api.slice.cache.catchUp()
      }
      await get(api, '/api/v2/products?limit=8')
    }
    expect(api.slice.figures.edgeCount).to.be.above(5)
    await api.warming.record()
    await api.warming.record()
    const [row] = await business.db.run(sql<{ score: number }>`
      select score::float8 from cache_demand where url = '/api/v2/products?limit=8'`)
    expect(row?.score).to.be.within(11.9, 12)
  })

  it('is, every hour, what is in demand and near its end; nothing else', async () => {
    const clock = createTestClock()
    const still = await openBusiness({ url: business.url, clock })
    opened.push(still)
    // In the middle, so that lifetimes are neither shortened nor lengthened.
    const random = { ...systemRandom, fraction: () => 0.5 }
    const api = await startApi({ ...still, random }, { cache, isCaughtUp: true })
    const [wanted, once, young] = shop.productIds.map((id) => `/api/v2/products/${id}`)
    for (const path of [wanted, wanted, wanted, once, '/api/v2/roles', '/api/v2/roles']) {
      await get(api, path ?? '')
    }
    expect(await api.warming.run('expiring')).to.include({ filled: 0 })
    for (const path of [wanted, wanted, wanted, once]) {
      await get(api, path ?? '')
    }
    await clock.advance(1_000_000)
    for (const path of [young, young, young]) {
      await get(api, path ?? '')
    }
    await api.slice.cache.catchUp()
    expect(await api.warming.run('expiring')).to.include({ filled: 1, kept: 0 })
    await clock.advance(1_000_000)
    // Half an hour of life, and a third more has passed: only what was renewed is as new.
    expect(statusOf(await get(api, wanted ?? ''))).to.match(hit)
    expect(statusOf(await get(api, once ?? ''))).not.to.match(hit)
  })
})
