import { expect } from 'chai'
import { openDeepList } from '../bench/deep-list.ts'
import { openBusiness, type Business } from '../support/business.ts'

// What the claim of 100 x rests on, in counts; `npm run bench -- pagination` measures the time.

describe('performance: a deep page of 20,000 payment links', () => {
  let business: Business
  let list: Awaited<ReturnType<typeof openDeepList>>
  before(async () => {
    business = await openBusiness({ connectionsMax: 1 })
    list = await openDeepList(business, { linksCount: 20_000, pagesSkipped: 350 })
  })
  after(() => business.lifecycle.stop())

  it('by cursor touches no more buffers than the first page', async () => {
    const [first, deep] = [await list.buffersFrom('first'), await list.buffersFrom('deep')]
    expect(first).to.be.above(0)
    expect(deep).to.be.at.most(1.1 * first)
  })

  it('by OFFSET touches those of every page before it', async () => {
    expect(await list.buffersByOffset()).to.be.above(50 * (await list.buffersFrom('deep')))
  })

  it('has the rows that OFFSET finds', async () => {
    const rows = await business.db.read<{ id: string }>(list.byOffset)
    const { ids } = await list.deep.run(business.db)
    expect(ids).to.deep.equal(rows.map(({ id }) => id))
  })
})
