import { expect } from 'chai'
import { costOf, drawMembers } from '../bench/recommendations/buffers.ts'
import { foretell } from '../bench/recommendations/foretell.ts'
import { largestOrganisation } from '../bench/recommendations/history.ts'
import { openTestDatabase, type OpenDatabase } from '../support/database.ts'
import { createDemoDatabase } from '../support/demo.ts'
import { buildTastes } from '../support/tastes.ts'

// What the README says of the demo, in counts that no machine changes; `npm run bench -- recommendations` prints them.

/** What a list is read from. */
const read = [
  'interactions',
  'contents',
  'content_tags',
  'content_scores',
  'content_neighbours',
  'member_interests',
  'recommendation_models',
]

describe('performance: recommendations of the demo', () => {
  let opened: OpenDatabase
  let organisationId: string
  before(async function () {
    this.timeout(480_000)
    opened = await openTestDatabase(await createDemoDatabase())
    organisationId = await largestOrganisation(opened.db)
  })
  after(() => opened.close())

  it('foretell what members buy next better than popularity and plain cosine', async function () {
    this.timeout(480_000)
    const { figures } = await foretell(opened.db, {
      organisationId,
      splitAt: new Date('2011-11-09T00:00:00Z'),
    })
    const { recommendations, ...others } = figures
    const best = (of: 'recall' | 'ndcg') => Math.max(...Object.values(others).map((one) => one[of]))
    expect(Object.keys(others)).to.have.length(3)
    expect(recommendations.recall / best('recall')).to.be.at.least(1.1)
    expect(recommendations.ndcg / best('ndcg')).to.be.at.least(1.1)
  })

  it('touch at most 500 buffers for a member', async function () {
    this.timeout(480_000)
    await buildTastes(opened, { organisationId })
    await opened.db.pool.query(`vacuum (analyze) ${read.join(', ')}`)
    const members = await drawMembers(opened.db, organisationId, 25)
    expect(members).to.have.length(25)
    for (const { id: memberId, interactions } of members) {
      const { buffers } = await costOf(opened.db, { organisationId, memberId })
      expect(buffers, `${interactions} interactions`).to.be.within(1, 500)
    }
  })
})
