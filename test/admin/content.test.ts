import { expect } from 'chai'
import { sql } from 'kysely'
import { issueAdminToken } from '#members'
import { adminClient, refusalOf, startAdmin, type AdminClient } from '../support/admin.ts'
import { addMember, addTenant, openBusiness, type Business } from '../support/business.ts'
import { addContents } from '../support/contents.ts'

describe('admin procedures about contents', () => {
  let business: Business
  let client: AdminClient
  let viewer: AdminClient
  let contentId: string
  let memberId: string
  let organisationId: string

  before(async () => {
    business = await openBusiness()
    const origin = await startAdmin(business, { deadlineMs: 20_000 })
    const issue = async (role: 'viewer' | 'operator') =>
      (await issueAdminToken(business, { name: role, role })).text
    client = adminClient(origin, await issue('operator'))
    viewer = adminClient(origin, await issue('viewer'))
    ;({ organisationId } = await addTenant(business, 'harbour'))
    ;({ memberId } = await addMember(business, organisationId, 'reader@example.org'))
    const { contentIds } = await addContents(business, { organisationId }, { count: 3, memberId })
    contentId = contentIds[1] ?? ''
    await business.db.run(sql`truncate interaction_inbox`)
    await business.db.run(sql`update content_scores set view_count = 0, engagement_score = 0`)
  })
  after(() => business.lifecycle.stop())

  const buy = (times: number) =>
    business.db.run(sql`
      insert into interactions (organisation_id, member_id, content_id, type)
      select ${organisationId}::uuid, ${memberId}::uuid, ${contentId}::uuid, 'purchase' from generate_series(1, ${times}::integer)`)

  it('say what a run would do, do it, and then have nothing left', async () => {
    await buy(4)
    const ahead = { waitingCount: 4, dueCount: 0, scoredCount: 0 }
    expect(await viewer.content.dryRun.query()).to.deep.equal(ahead)
    expect(await viewer.content.dryRun.query(), 'changes nothing').to.deep.equal(ahead)
    expect(await client.content.run.mutate({})).to.deep.equal({ folded: 4, scored: 1 })
    expect(await viewer.content.dryRun.query()).to.deep.equal({
      waitingCount: 0,
      dueCount: 0,
      scoredCount: 1,
    })
    expect(await client.content.run.mutate({ which: 'all' })).to.deep.equal({
      folded: 0,
      scored: 1,
    })
  })

  it('explain a score step by step, as it is stored', async () => {
    await business.db.run(sql`
      update organisations set settings = '{"engagement":{"halfLifeHours":87600}}' where id = ${organisationId}::uuid`)
    await buy(2)
    await client.content.run.mutate({})
    const why = await viewer.content.explain.query({ contentId })
    expect(why.counts).to.include({ purchases: 6, views: 0 })
    expect(why.steps.raw).to.equal(120)
    expect(why.halfLifeHours).to.equal(87_600)
    expect(why.engagementScore).to.be.closeTo(why.steps.engagement * why.steps.decay, 1e-12)
    expect(why.engagementScore).to.be.within(0.5, 1)
    expect(why.trendingScore).to.be.closeTo(why.steps.trendingScore, 1e-12)
    expect(why).to.include({ isDue: false, waitingCount: 0, status: 'published' })
    await buy(1)
    expect(await viewer.content.explain.query({ contentId })).to.include({ waitingCount: 1 })
  })

  it('count a content anew where its counters went wrong', async () => {
    await business.db.run(sql`update content_scores set purchase_count = 1000`)
    const why = await client.content.recompute.mutate({ contentId })
    expect(why.counts.purchases).to.equal(7)
    expect(why).to.include({ waitingCount: 0, isDue: false })
    expect(await client.content.run.mutate({})).to.include({ folded: 0 })
  })

  it('change nothing for a viewer, and know only contents that there are', async () => {
    const codes = await Promise.all([
      refusalOf(viewer.content.run.mutate({})),
      refusalOf(viewer.content.recompute.mutate({ contentId })),
      refusalOf(client.content.recompute.mutate({ contentId: memberId })),
      refusalOf(viewer.content.explain.query({ contentId: memberId })),
      refusalOf(viewer.content.explain.query({ contentId: 'nothing' })),
    ])
    expect(codes.map(({ data }) => data?.code)).to.deep.equal([
      'FORBIDDEN',
      'FORBIDDEN',
      'NOT_FOUND',
      'NOT_FOUND',
      'BAD_REQUEST',
    ])
  })
})
