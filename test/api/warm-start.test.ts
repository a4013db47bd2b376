import { expect } from 'chai'
import { startApi, type Api } from '../support/api.ts'
import {
  addTenant,
  ecbRates,
  openBusiness,
  publishRates,
  type Business,
  type Tenant,
} from '../support/business.ts'
import { addProducts, type Shop } from '../support/catalogue.ts'
import { connectionsDuring } from '../support/connections.ts'
import { addLinks } from '../support/links.ts'
import { redisUrl } from '../support/servers.ts'
import { createSkewed } from '../support/skewed.ts'

/** Answers that nobody waited for the database for. */
const isHit = (status: string | null): boolean => /^(memory|redis); hit/.test(status ?? '')

for (const tiers of ['memory', 'memory-and-redis'] as const) {
  describe(`a process that takes the place of another (${tiers})`, function () {
    this.timeout(60_000)
    let url: string
    let redis: string | undefined
    let tenant: Tenant
    let shop: Shop
    let links: readonly string[]
    const opened: Business[] = []

    before(async function () {
      redis = tiers === 'memory' ? undefined : (redisUrl() ?? this.skip())
      const business = await open('seed')
      url = business.url
      tenant = await addTenant(business, 'harbour')
      await publishRates(business, ecbRates)
      shop = await addProducts(business, tenant, 400)
      links = await addLinks(business, tenant, 30)
    })
    after(async () => {
      for (const business of opened) {
        await business.lifecycle.stop()
      }
    })

    async function open(applicationName: string): Promise<Business> {
      const place = url === undefined ? {} : { url }
      const business = await openBusiness({ ...place, applicationName, fx: { providers: ['ecb'] } })
      opened.push(business)
      return business
    }

    const start = (business: Business): Promise<Api> =>
      startApi(business, {
        warmBudgetMs: 9_500,
        cache: { tiers, redis: { url: redis, connectTimeoutMs: 500, commandTimeoutMs: 100 } },
      })

    /** What an organisation's own servers and its shop ask for, the most popular first; the tail of it once in thousands. */
    async function questions(api: Api): Promise<readonly string[]> {
      const paths = shop.productIds.flatMap((id, index) => [
        `/api/v2/products/${id}${index % 3 === 0 ? '?expand=prices,inventory' : ''}`,
        ...(index % 10 === 0 ? [`/api/v2/products?limit=${5 + index / 10}`] : []),
        ...(index % 10 === 5 ? [`/api/v2/products?slug=product-${index}&fields=id,title`] : []),
        ...(index % 40 === 7 ? [`/api/v2/fx/rates?base=GBP&quotes=EUR,USD`] : []),
      ])
      paths.splice(3, 0, '/api/v2/payment-links?status=open,draft', '/api/products?limit=9')
      links.forEach((id, index) => paths.splice(7 * index, 0, `/api/v2/payment-links/${id}`))
      let path = '/api/v2/products?limit=25'
      for (let page = 0; page < 5; page += 1) {
        const { json } = await api.call('GET', path, { as: tenant.secretKey })
        path = `/api/v2/products?limit=25&cursor=${json.page.nextCursor}`
        paths.splice(9 * page, 0, path)
      }
      return paths
    }

    async function hitRatio(api: Api, count: number, draw: () => string): Promise<number> {
      let hits = 0
      for (let turn = 0; turn < count; turn += 1) {
        const { status, headers } = await api.call('GET', draw(), { as: tenant.secretKey })
        expect(status).to.equal(200)
        hits += isHit(headers.get('cache-status')) ? 1 : 0
      }
      return hits / count
    }

    it('has at least 95 % of its hit ratio in its first requests, with two connections', async () => {
      const old = await open('old')
      const first = await start(old)
      const draw = createSkewed(await questions(first), 'readers')
      await hitRatio(first, 2_500, draw)
      const last = await hitRatio(first, 500, draw)
      await old.lifecycle.stop()
      const young = await open('young')
      const starting = start(young)
      expect(await connectionsDuring(url, 'young', starting)).to.be.within(1, 2)
      const next = await hitRatio(await starting, 300, draw)
      expect(last).to.be.above(0.8)
      expect(next).to.be.at.least(0.95 * last)
    })
  })
}
