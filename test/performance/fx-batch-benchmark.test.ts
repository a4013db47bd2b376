import { expect } from 'chai'
import { ensureRates, getRates, refreshCadence } from '#fx'
import { openQuotedBusiness, type QuotedBusiness } from '../bench/quoted-business.ts'

// What the claim of 160 x rests on, in counts; `npm run bench -- fx-batch` measures the time.

describe('performance: the rates of 40 pairs', () => {
  let business: QuotedBusiness
  before(async () => {
    business = await openQuotedBusiness(40, 0)
  })
  beforeEach(() => business.forget())
  after(() => business.lifecycle.stop())

  it('cost one call of the publisher and four statements: two read, two store', async () => {
    const rates = await ensureRates(business.fx, 'GBP', business.quotes)
    expect(rates).to.have.length(40)
    expect(business.publisher.calls).to.equal(1)
    expect(business.statements()).to.equal(4 + lockStatements)
  })

  it('cost the job one call and two statements, beside the one that finds the pairs', async () => {
    const wanted = [...business.quotes, 'GBP']
    await refreshCadence(business.fx, 'stable', { wanted })
    expect(business.publisher.calls).to.equal(1)
    expect(business.statements()).to.equal(2 + lockStatements)
  })

  it('cost forty calls where batches are off', async () => {
    const wanted = [...business.quotes, 'GBP'].filter((code) => code !== 'EUR')
    await refreshCadence(business.singleFx, 'stable', { wanted })
    expect(business.publisher.calls).to.equal(wanted.length)
  })

  it('cost one call and one statement to read when 40 callers want one each at once', async () => {
    const asked = business.quotes.map((quote) => ensureRates(business.fx, 'GBP', [quote]))
    expect((await Promise.all(asked)).flat()).to.have.length(40)
    expect(business.publisher.calls).to.equal(1)
    expect(business.statements()).to.equal(4 + lockStatements)
  })

  it('cost no call and one statement when they are stored', async () => {
    await ensureRates(business.fx, 'GBP', business.quotes)
    const before = business.statements()
    await getRates(
      business.fx,
      business.quotes.map((quote) => ({ base: 'GBP', quote })),
    )
    expect(business.publisher.calls).to.equal(1)
    expect(business.statements()).to.equal(before + 1)
  })
})

/** Taking the lock and giving it back, on a connection of its own. */
const lockStatements = 2
