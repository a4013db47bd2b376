import { expect } from 'chai'
import { rollUpInteractions, updateContentEngagementScores } from '#content'
import { besides, type Met } from '../bench/content-traffic.ts'
import { at, openScoredContents, ways, type ScoredContents } from '../bench/scored-contents.ts'

// What the claim rests on, in counts; `npm run bench -- engagement-scores` measures the time.

describe('performance: scoring contents', () => {
  let world: ScoredContents
  before(async function () {
    this.timeout(60_000)
    world = await openScoredContents(3_000, 2)
    await rollUpInteractions({ db: world.db })
    await world.makeDue()
  })
  after(() => world.close())

  const waitsOf = (met: readonly Met[]) =>
    met.filter(({ name }) => name.endsWith('of contents')).map(({ name, waits }) => [name, waits])

  it('makes nobody wait who reads or writes contents meanwhile', async () => {
    const { met, seen } = await besides(world, () =>
      updateContentEngagementScores({ db: world.db }, { at, batchRows: 50 }),
    )
    expect(waitsOf(met)).to.deep.equal([
      ['reads of contents', 0],
      ['writes of contents', 0],
    ])
    expect(seen).to.equal(0)
  })

  it('gives the scores that one UPDATE by hand gives', async () => {
    const scores = async () =>
      (
        await world.db.pool.query(
          'select content_id, engagement_score, trending_score from content_scores order by 1',
        )
      ).rows
    await world.makeDue()
    expect(await ways['in batches']?.(world)).to.equal(3_000)
    const batched = await scores()
    await world.makeDue()
    expect(await ways['one UPDATE by hand']?.(world)).to.equal(3_000)
    expect(await scores()).to.deep.equal(batched)
  })
})
