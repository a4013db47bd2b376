import { expect } from 'chai'
import { pino } from 'pino'
import { startApi } from '../support/api.ts'
import { openBusiness, type Business } from '../support/business.ts'
import { connectionsDuring } from '../support/connections.ts'
import { createDemoDatabase } from '../support/demo.ts'

describe('the demo business, warmed at the first start', function () {
  this.timeout(120_000)
  let business: Business
  const said: Record<string, unknown>[] = []
  before(async () => {
    const url = await createDemoDatabase()
    business = await openBusiness({ url, applicationName: 'warm-demo' })
  })
  after(() => business.lifecycle.stop())

  it('is ready with two connections, in the time that the log tells, which is within its budget', async () => {
    const log = pino({}, { write: (line: string) => void said.push(JSON.parse(line)) })
    const budget = { warmBudgetMs: 9_500, cache: { tiers: 'memory' } } as const
    const starting = startApi({ ...business, log }, budget)
    expect(await connectionsDuring(business.url, 'warm-demo', starting)).to.be.within(1, 2)
    await starting
    const line = said.find(({ msg }) => String(msg).includes('Cache warm-up completed'))
    // It was written before the API was given to us: nothing was left to do beside the requests.
    expect(line).to.deep.include({ isComplete: true, failed: 0, refused: 0 })
    expect(line).to.have.property('count').that.is.above(100)
    expect(line?.['ms']).to.be.a('number')
  })
})
