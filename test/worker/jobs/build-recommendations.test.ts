import { expect } from 'chai'
import { sql } from 'kysely'
import { buildRecommendations } from '../../../worker/jobs/build-recommendations.ts'
import {
  addMember,
  addTenant,
  openBusiness,
  type Business,
  type Tenant,
} from '../../support/business.ts'
import { addContents } from '../../support/contents.ts'
import { jobRun } from '../../support/job-run.ts'
import { addCircles, take } from '../../support/tastes.ts'

describe('the job that builds what recommendations are made from', () => {
  let business: Business
  const progress: [number, number][] = []

  beforeEach(async () => {
    business = await openBusiness()
    progress.length = 0
  })
  afterEach(() => business.lifecycle.stop())

  const run = (signal = new AbortController().signal) =>
    buildRecommendations.run(
      business,
      {},
      jobRun(business, {
        signal,
        progress: async (done, total) => void progress.push([done, total]),
      }),
    )

  async function addShop(slug: string) {
    const tenant = await addTenant(business, slug)
    const { memberId } = await addMember(business, tenant.organisationId, `author@${slug}.example`)
    const { contentIds } = await addContents(business, tenant, { count: 40, memberId })
    return { tenant, contentIds, memberId }
  }

  const models = ({ organisationId }: Tenant) =>
    business.db.run(sql<{ id: string; isCurrent: boolean; contentIds: string[] }>`
      select m.id, is_current as "isCurrent",
             (select array_agg(content_id order by content_id) from content_neighbours where model_id = m.id) as "contentIds"
        from recommendation_models m where organisation_id = ${organisationId}::uuid order by id`)

  it('has nothing to do where there are no contents, or nobody has taken one', async () => {
    expect(await run()).to.deep.equal({ rows: 0 })
    const tenant = await addTenant(business, 'harbour')
    const { memberId } = await addMember(business, tenant.organisationId, 'author@example.org')
    await addContents(business, tenant, { count: 3, memberId })
    await business.db.run(sql`delete from interactions`)
    expect(await run()).to.deep.equal({ rows: 0 })
    expect(await models(tenant)).to.deep.equal([])
  })

  it('builds one of each organisation, of its own contents, and the interests of its members', async () => {
    const [harbour, market] = [await addShop('harbour'), await addShop('market')]
    await addCircles(business, harbour.tenant, harbour.contentIds)
    await take(business, market.tenant, {
      memberId: market.memberId,
      contentIds: market.contentIds.slice(0, 4),
    })
    // Of the circles 20 contents; of the other shop the 4 that its author took.
    expect(await run()).to.deep.equal({ rows: 24 })
    for (const [shop, first, count] of [
      [harbour, 0, 20],
      [market, 0, 4],
    ] as const) {
      const [model, ...others] = await models(shop.tenant)
      expect(others).to.deep.equal([])
      expect(model?.isCurrent).to.equal(true)
      expect(model?.contentIds).to.have.members(shop.contentIds.slice(first, count))
    }
    const interested = await business.db.run(sql<{ id: string; members: number }>`
      select organisation_id as id, count(distinct member_id)::integer as members
        from member_interests group by 1`)
    expect(interested).to.have.deep.members([
      { id: harbour.tenant.organisationId, members: 25 },
      { id: market.tenant.organisationId, members: 1 },
    ])
  })

  it('says how far it is', async () => {
    const { tenant, contentIds } = await addShop('harbour')
    await addCircles(business, tenant, contentIds)
    await run()
    expect(progress).to.deep.equal([[20, 20]])
  })

  it('leaves what serves as it was when it is stopped, and takes its place when it is run again', async () => {
    const { tenant, contentIds } = await addShop('harbour')
    await addCircles(business, tenant, contentIds)
    await run()
    const before = await models(tenant)
    const stop = new AbortController()
    const stopped = buildRecommendations.run(
      business,
      {},
      jobRun(business, { signal: stop.signal, progress: async () => stop.abort() }),
    )
    expect(await stopped.catch((error: Error) => error.name)).to.equal('AbortError')
    expect(await models(tenant)).to.deep.equal(before)
    await run()
    const after = await models(tenant)
    expect(after.map(({ contentIds: of }) => of)).to.deep.equal(
      before.map(({ contentIds: of }) => of),
    )
    expect(after[0]?.id).not.to.equal(before[0]?.id)
  })
})
