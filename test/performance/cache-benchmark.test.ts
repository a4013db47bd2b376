import { expect } from 'chai'
import { startApi, type Api } from '../support/api.ts'
import { addTenant, openBusiness, type Business, type Tenant } from '../support/business.ts'
import { recordStatements } from '../support/statements.ts'

// What the claim of 20 x rests on, in counts; `npm run bench -- cache` and `-- cached-read` measure the time.

describe('performance: a cached read', () => {
  let business: Business
  let api: Api
  let tenant: Tenant
  let statements: ReturnType<typeof recordStatements>
  before(async () => {
    business = await openBusiness()
    statements = recordStatements(business.db)
    tenant = await addTenant(business, 'cached')
    api = await startApi(business, { cache: { tiers: 'memory' } })
  })
  after(() => business.lifecycle.stop())

  const reads = () => statements.count('payment_links')
  const read = async () => {
    const { headers } = await api.call('GET', '/api/v2/payment-links', { as: tenant.secretKey })
    return headers.get('cache-status') ?? ''
  }

  it('costs one statement when it is cold, and none from then on', async () => {
    const before = reads()
    expect(await read()).to.include('fwd=miss')
    expect(reads() - before).to.equal(1)
    for (let hit = 0; hit < 20; hit += 1) {
      expect(await read()).to.include('memory; hit')
    }
    expect(reads() - before).to.equal(1)
  })
})
