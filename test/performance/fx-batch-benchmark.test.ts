import { expect } from 'chai'
import { ensureRates } from '#fx'
import { openQuotedBusiness, type QuotedBusiness } from '../bench/quoted-business.ts'

// What the claim of 160 x rests on, in counts; `npm run bench -- fx-batch` measures the time.

describe('performance: the rates of 40 pairs', () => {
  let business: QuotedBusiness
  before(async () => {
    business = await openQuotedBusiness(40, 0)
  })
  beforeEach(() => business.forget())
  after(() => business.lifecycle.stop())

  it('cost one call of the publisher', async () => {
    const rates = await ensureRates(business.fx, 'GBP', business.quotes)
    expect(rates).to.have.length(40)
    expect(business.publisher.calls).to.equal(1)
  })

  it('cost one call when 40 callers want one each at once', async () => {
    const asked = business.quotes.map((quote) => ensureRates(business.fx, 'GBP', [quote]))
    expect((await Promise.all(asked)).flat()).to.have.length(40)
    expect(business.publisher.calls).to.equal(1)
  })

  it('cost no call when they are stored', async () => {
    await ensureRates(business.fx, 'GBP', business.quotes)
    await ensureRates(business.fx, 'GBP', business.quotes)
    expect(business.publisher.calls).to.equal(1)
  })
})
