import { expect } from 'chai'
import { sql } from 'kysely'
import { systemRandom } from '#platform/random'
import { eventually } from '../platform/queue/fixture.ts'
import { startApi, type Answer, type Api } from '../support/api.ts'
import { addTenant, openBusiness, type Business, type Tenant } from '../support/business.ts'
import { addProducts, type Shop } from '../support/catalogue.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'

const hit = /^memory; hit; ttl=\d+$/

describe('an answer that the clock overtakes', () => {
  let clock: TestClock
  let business: Business
  let tenant: Tenant
  let shop: Shop
  let api: Api

  beforeEach(async () => {
    clock = createTestClock(new Date('2026-03-01T12:00:00Z'))
    business = await openBusiness({ clock })
    tenant = await addTenant(business, 'harbour')
    shop = await addProducts(business, tenant, 4)
    // In the middle, so that lifetimes are neither shortened nor lengthened.
    const random = { ...systemRandom, fraction: () => 0.5 }
    api = await startApi({ ...business, random }, { cache: { tiers: 'memory' }, isCaughtUp: true })
  })
  afterEach(() => business.lifecycle.stop())

  const get = (path: string): Promise<Answer> => api.call('GET', path, { as: tenant.secretKey })
  const statusOf = ({ headers }: Answer): string => headers.get('cache-status') ?? ''
  const afterSeconds = (seconds: number): string =>
    new Date(clock.now().getTime() + 1000 * seconds).toISOString()
  const skusOf = ({ json }: Answer): string[] => json.data.map(({ sku }: any) => sku)

  it('shows a product from the instant at which it is published, wherever it appears', async () => {
    const [id = ''] = shop.productIds
    await business.db.run(
      sql`update products set published_at = ${afterSeconds(60)}::timestamptz where id = ${id}`,
    )
    const lists = [
      '/api/v2/products?limit=10',
      '/api/v2/products?limit=2&fields=sku',
      '/api/v2/products?limit=10&sort=title',
      '/api/v2/products?sku=P1',
      '/api/v2/products?count=exact&limit=3',
      '/api/products?limit=10',
      '/api/v2/products/search?q=lantern',
    ]
    const below = [`/api/v2/products/${id}`, `/api/v2/products/${id}/pricing`]
    const before = await Promise.all([...lists, ...below].map(get))
    expect(before.map(({ status }) => status)).to.deep.equal([
      ...lists.map(() => 200),
      ...below.map(() => 404),
    ])
    await clock.advance(59_000)
    for (const path of lists) {
      const answer = await get(path)
      expect(statusOf(answer), path).to.match(hit)
      expect(skusOf(answer), path).not.to.include('P1')
    }
    await clock.advance(1_000)
    for (const path of below) {
      expect((await get(path)).status, path).to.equal(200)
    }
    for (const path of lists) {
      const answer = await get(path)
      expect(statusOf(answer), path).to.match(/^memory; fwd=stale/)
      const { page = {}, pagination = {} } = answer.json
      const isShown = skusOf(answer).includes('P1') || (page.total ?? pagination.total) === 4
      expect(isShown, path).to.equal(true)
    }
  })

  it('shows a price until the instant at which it ends, and the next one from then on', async () => {
    const [id = ''] = shop.productIds
    const at = afterSeconds(45)
    await business.db.run(sql`
      update prices set valid_to = ${at}::timestamptz where product_id = ${id} and currency = 'AUD'`)
    await business.db.run(sql`
      insert into prices (organisation_id, product_id, currency, amount_minor, tax_inclusive, valid_from)
      values (${tenant.organisationId}, ${id}, 'AUD', 5555, false, ${at}::timestamptz)`)
    const paths = [
      `/api/v2/products/${id}/pricing?currency=AUD`,
      `/api/v2/products/${id}/pricing`,
      `/api/v2/products/${id}?expand=prices`,
      '/api/v2/products?expand=prices&limit=4',
    ]
    const isNew = (answer: Answer): boolean => answer.text.includes('"amount":5555')
    for (const path of paths) {
      expect((await get(path)).status, path).to.equal(200)
    }
    await clock.advance(44_999)
    for (const path of paths) {
      const answer = await get(path)
      expect([statusOf(answer).startsWith('memory; hit'), isNew(answer)], path).to.deep.equal([
        true,
        false,
      ])
    }
    await clock.advance(1)
    for (const path of paths) {
      const answer = await get(path)
      expect(isNew(answer), path).to.equal(true)
      expect(statusOf(answer)).to.match(/^memory; fwd=stale/)
      expect(answer.text).not.to.match(/"currency":"AUD","amount":\{"amount":1000\b/)
    }
  })

  it('is served past its lifetime, saying so, while a new one is fetched; and fetched first after that', async () => {
    const path = '/api/v2/products?limit=3'
    await get(path)
    await clock.advance(900_000)
    const aged = await get(path)
    expect([statusOf(aged), aged.headers.get('age')]).to.deep.equal(['memory; hit; ttl=-1', '900'])
    const renewed = await eventually(async () => {
      const answer = await get(path)
      return answer.headers.get('age') === '0' ? answer : undefined
    })
    expect(statusOf(renewed)).to.equal('memory; hit; ttl=900')
    await clock.advance(1_200_000)
    expect(statusOf(await get(path))).to.equal('memory; fwd=stale; stored')
  })

  it('takes no memory beyond its bound, whatever is asked, and is right', async () => {
    const bytesMax = 400_000
    const cache = { tiers: 'memory', memoryBytesMax: bytesMax } as const
    const tight = await startApi(business, { cache })
    const ask = (index: number): Promise<Answer> => {
      const search = index % 4 === 0 ? `sku=P${1 + (index % 3)}&limit=${index}` : `slug=no-${index}`
      return tight.call('GET', `/api/v2/products?${search}`, { as: tenant.secretKey })
    }
    for (let index = 1; index <= 2_000; index += 20) {
      const indexes = Array.from({ length: 20 }, (_, step) => index + step)
      for (const [step, answer] of (await Promise.all(indexes.map(ask))).entries()) {
        const asked = indexes[step] ?? 0
        expect(skusOf(answer)).to.deep.equal(asked % 4 === 0 ? [`P${1 + (asked % 3)}`] : [])
      }
      expect(tight.slice.cache.report().bytes).to.be.at.most(bytesMax)
    }
    const { entries, evicted } = tight.slice.cache.report()
    expect(entries).to.be.within(50, 450)
    expect(evicted + entries).to.be.greaterThan(1_300)
  }).timeout(60_000)
})
