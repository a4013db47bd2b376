import { expect } from 'chai'
import { startApi, type Api } from '../support/api.ts'
import { addTenant, openBusiness, type Business, type Tenant } from '../support/business.ts'

const given = '7f3c2b1a-edge-proxy'

describe('the id of a request', () => {
  let business: Business
  let tenant: Tenant
  before(async () => {
    business = await openBusiness()
    tenant = await addTenant(business, 'harbour')
  })
  after(() => business.lifecycle.stop())

  const ask = async (api: Api, id: string): Promise<string | null> => {
    const { headers } = await api.call('GET', '/api/v2/assets?limit=1', {
      as: tenant.secretKey,
      headers: { 'request-id': id },
    })
    return headers.get('request-id')
  }

  it('is the one that a trusted proxy gave, from Express and from the edge', async () => {
    const api = await startApi(business, { trustProxy: 1, cache: { tiers: 'memory' } })
    for (const turn of [1, 2, 3]) {
      expect(await ask(api, `${given}-${turn}`)).to.equal(`${given}-${turn}`)
    }
    expect(api.slice.figures.edgeCount).to.equal(1)
  })

  it('is new when nobody in front is trusted, or when it could harm a log', async () => {
    const alone = await startApi(business, { trustProxy: 0 })
    expect(await ask(alone, given)).to.match(/^req_/)
    const behind = await startApi(business, { trustProxy: 1 })
    for (const id of ['short', 'x'.repeat(101), 'with space in it', '{"level":"error"}']) {
      expect(await ask(behind, id), id).to.match(/^req_/)
    }
  })
})
