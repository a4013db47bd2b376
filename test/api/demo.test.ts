import { expect } from 'chai'
import { issueDemoCredentials } from '../../migrations/demo/seed.ts'
import { startApi, type Api } from '../support/api.ts'
import { openBusiness, publishRates, ecbRates, type Business } from '../support/business.ts'
import { createDemoDatabase } from '../support/demo.ts'
import { addLinks } from '../support/links.ts'

describe('the demo business over HTTP', function () {
  this.timeout(120_000)
  let business: Business
  let api: Api
  let demo: Awaited<ReturnType<typeof issueDemoCredentials>>

  before(async () => {
    const url = await createDemoDatabase()
    demo = await issueDemoCredentials(url)
    business = await openBusiness({ url, fx: { providers: ['demo-replay', 'ecb'] } })
    api = await startApi(business)
  })
  after(() => business.lifecycle.stop())

  const get = (path: string, as = demo.secretKey) => api.call('GET', path, { as })

  it('has 25,900 payment links, and as many per status as its rules say', async () => {
    const count = async (search: string): Promise<number> =>
      (await get(`/api/v2/payment-links?count=exact&limit=1${search}`)).json.page.total
    expect(await count('')).to.equal(25_900)
    const statuses = ['draft', 'open', 'paid', 'cancelled', 'expired', 'partially_paid']
    const each = await Promise.all(statuses.map((status) => count(`&status=${status}`)))
    expect(each.reduce((sum, one) => sum + one)).to.equal(25_900)
  })

  it('is walked by cursor with each link once, while others are being created', async () => {
    await publishRates(business, ecbRates)
    const tenant = { ...demo }
    const seen = new Set<string>()
    let pages = 0
    let cursor = ''
    do {
      const at = cursor === '' ? '' : `&cursor=${cursor}`
      const { json } = await get(`/api/v2/payment-links?limit=100&fields=id${at}`)
      for (const { id } of json.data) {
        expect(seen.has(id)).to.equal(false)
        seen.add(id)
      }
      cursor = json.page.nextCursor ?? ''
      pages += 1
      if (pages % 20 === 0) {
        await addLinks(business, tenant, 1)
      }
    } while (cursor !== '')
    expect(seen.size).to.equal(25_900)
    const { json } = await get('/api/v2/payment-links?count=exact&limit=1')
    expect(json.page.total).to.equal(25_900 + Math.floor(pages / 20))
  })

  it('shows a member its own links', async () => {
    const { json } = await get('/api/v2/payment-links?count=exact&limit=5', demo.memberToken)
    expect(json.page.total).to.be.within(2, 1000)
    expect(new Set(json.data.map((link: any) => link.memberId)).size).to.equal(1)
  })

  it('carries the rates of the day on every link: legs as published, the cross rate their quotient', async () => {
    const { json } = await get('/api/v2/payment-links?reference=536365')
    const [link] = json.data
    expect(link.amount).to.deep.equal({ amount: 13912, currency: 'GBP', exponent: 2 })
    const { data } = (await get(`/api/v2/payment-links/${link.id}/fx-snapshots`)).json
    const usd = data.find((one: any) => one.asset === 'USD')
    // ECB, 2010-12-01: 1 EUR = 1.3115 USD = 0.8393 GBP
    expect([usd.assetLeg, usd.currencyLeg, usd.asOf]).to.deep.equal([
      '1.3115',
      '0.8393',
      '2010-12-01T00:00:00.000Z',
    ])
  })
})
