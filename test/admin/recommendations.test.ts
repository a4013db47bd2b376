import { expect } from 'chai'
import { storeEvaluation } from '#content'
import { issueAdminToken } from '#members'
import { adminClient, refusalOf, startAdmin, type AdminClient } from '../support/admin.ts'
import {
  addMember,
  addTenant,
  openBusiness,
  type Business,
  type Tenant,
} from '../support/business.ts'
import { addContents } from '../support/contents.ts'
import { addCircles, buildTastes } from '../support/tastes.ts'

describe('recommendations, for operators', () => {
  let business: Business
  let tenant: Tenant
  let client: AdminClient
  before(async () => {
    business = await openBusiness()
    tenant = await addTenant(business, 'harbour')
    const origin = await startAdmin(business)
    const { text } = await issueAdminToken(business, { name: 'viewer', role: 'viewer' })
    client = adminClient(origin, text)
  })
  after(() => business.lifecycle.stop())

  const ask = (organisationId = tenant.organisationId) =>
    client.recommendations.evaluation.query({ organisationId })

  it('tell that there is no model and no evaluation yet', async () => {
    expect(await ask()).to.deep.equal({})
  })

  it('tell the figures of the last evaluation, and of the model that serves', async () => {
    const { organisationId } = tenant
    const author = await addMember(business, organisationId, 'author@example.org')
    const library = await addContents(business, tenant, {
      count: 20,
      memberId: author.memberId,
    })
    await addCircles(business, tenant, library.contentIds)
    await buildTastes(business, tenant)
    const splitAt = new Date('2026-01-02T00:00:00Z')
    const figures = (recall: number) => ({ recommendations: { recall, ndcg: 0.5 } })
    const evaluated = { organisationId, splitAt, membersCount: 24 }
    await storeEvaluation(business.db, { ...evaluated, figures: figures(0.25) })
    await storeEvaluation(business.db, { ...evaluated, figures: figures(0.75) })
    const { evaluation, model } = await ask()
    expect(evaluation?.figures).to.deep.equal(figures(0.75))
    expect(evaluation?.membersCount).to.equal(24)
    expect(new Date(evaluation?.splitAt ?? '')).to.deep.equal(splitAt)
    expect(model?.trendingCount).to.equal(20)
    const inland = await addTenant(business, 'inland')
    expect(await ask(inland.organisationId)).to.deep.equal({})
  })

  it('refuse what is no id, and figures that are no shares', async () => {
    expect((await refusalOf(ask('harbour'))).data?.code).to.equal('BAD_REQUEST')
    const stored = storeEvaluation(business.db, {
      organisationId: tenant.organisationId,
      splitAt: new Date(),
      membersCount: 1,
      figures: { recommendations: { recall: 2, ndcg: 0.5 } },
    })
    expect(await stored.catch(({ name }: Error) => name)).to.equal('ZodError')
  })
})
