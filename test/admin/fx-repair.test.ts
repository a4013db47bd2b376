import { expect } from 'chai'
import { sql } from 'kysely'
import { issueAdminToken } from '#members'
import { checkFrozenRates } from '../../worker/jobs/check-frozen-rates.ts'
import { adminClient, refusalOf, startAdmin, type AdminClient } from '../support/admin.ts'
import {
  addTenant,
  ecbRates,
  openBusiness,
  publishRates,
  type Business,
  type Tenant,
} from '../support/business.ts'
import { jobRun } from '../support/job-run.ts'
import { addLinks, addUnfrozenLinks } from '../support/links.ts'

describe('links that lack their frozen rates, in the hands of operators', () => {
  let business: Business
  let tenant: Tenant
  let operator: AdminClient
  let viewer: AdminClient

  beforeEach(async () => {
    business = await openBusiness({ fx: { providers: ['ecb'] } })
    tenant = await addTenant(business, 'harbour')
    await publishRates(business, ecbRates)
    const origin = await startAdmin(business)
    const clientOf = async (role: 'operator' | 'viewer') =>
      adminClient(origin, (await issueAdminToken(business, { name: role, role })).text)
    operator = await clientOf('operator')
    viewer = await clientOf('viewer')
  })
  afterEach(() => business.lifecycle.stop())

  const look = () => checkFrozenRates.run(business, {}, jobRun(business))
  const repair = (linkId: string, organisationId = tenant.organisationId) =>
    operator.fx.repair.mutate({ organisationId, linkId })
  const frozen = (linkId: string) =>
    business.db.run(sql<{ asset: string; type: string }>`
      select s.asset, s.snapshot_type as type from fx_snapshots s join payment_links l on l.fx_set_id = s.set_id
       where l.id = ${linkId}::uuid order by asset`)

  it('are named as the worker found them last', async () => {
    const none = { reportedAt: null, lacking: 0, links: [] }
    expect(await viewer.fx.snapshots.missing.query()).to.deep.equal(none)
    const id = await addUnfrozenLinks(business, tenant, { status: 'open', rates: 3 })
    await look()
    const { reportedAt, ...found } = await viewer.fx.snapshots.missing.query()
    expect(reportedAt).to.match(/^\d{4}-.*Z$/)
    expect(found).to.deep.equal({
      lacking: 1,
      links: [{ id, organisationId: tenant.organisationId, status: 'open', rates: 3 }],
    })
    await repair(id)
    await look()
    expect(await viewer.fx.snapshots.missing.query()).to.deep.include({ lacking: 0, links: [] })
  })

  it('are given four rates of now, which is written down', async () => {
    const linkId = await addUnfrozenLinks(business, tenant, { status: 'draft', rates: 1 })
    const answer = await repair(linkId)
    expect(answer).to.deep.include({ linkId, ratesBefore: 1 })
    expect(await frozen(linkId)).to.deep.equal(
      ['AUD', 'EUR', 'JPY', 'USD'].map((asset) => ({ asset, type: 'requote' })),
    )
    const { records } = await viewer.audit.list.query({ procedure: 'fx.repair', limit: 1 })
    expect(records[0]).to.deep.include({
      organisationId: tenant.organisationId,
      before: { rates: 1 },
      after: { fxSetId: answer.fxSetId },
      outcome: 'done',
    })
    const events = await business.db.run(
      sql`select type from payment_events where payment_link_id = ${linkId}::uuid`,
    )
    expect(events).to.deep.equal([{ type: 'requoted' }])
  })

  it('are not touched when there is nothing to repair, or nothing that may be', async () => {
    const [whole = ''] = await addLinks(business, tenant, 1)
    const paid = await addUnfrozenLinks(business, tenant, { status: 'paid' })
    const removed = await addUnfrozenLinks(business, tenant, { status: 'removed' })
    const other = await addTenant(business, 'inland')
    const before = await business.db.run(
      sql`select id, fx_set_id, version from payment_links order by id`,
    )
    for (const [linkId, slug, organisationId] of [
      [whole, 'payments/rates-frozen', tenant.organisationId],
      [paid, 'payments/link-closed', tenant.organisationId],
      [removed, 'read/not-found', tenant.organisationId],
      [paid, 'read/not-found', other.organisationId],
      [business.random.uuid(), 'read/not-found', tenant.organisationId],
    ] as const) {
      expect((await refusalOf(repair(linkId, organisationId))).data, slug).to.include({ slug })
    }
    expect(
      await business.db.run(sql`select id, fx_set_id, version from payment_links order by id`),
    ).to.deep.equal(before)
    const { records } = await viewer.audit.list.query({ procedure: 'fx.repair', limit: 10 })
    expect(records.map(({ outcome }) => outcome)).to.deep.equal(Array(5).fill('failed'))
  })

  it('stay as they are where rates are too old and no publisher answers, unless old ones will do', async () => {
    const linkId = await addUnfrozenLinks(business, tenant, { status: 'open' })
    await business.db.run(sql`update fx_rates set as_of = as_of - interval '400 days'`)
    const { data } = await refusalOf(repair(linkId))
    expect(data).to.include({ slug: 'fx/rate-unavailable' })
    expect(await frozen(linkId)).to.deep.equal([])
    const { organisationId } = tenant
    await operator.fx.repair.mutate({ organisationId, linkId, allowStaleRates: true })
    expect(await frozen(linkId)).to.have.length(4)
  })

  it('are nothing that viewers change', async () => {
    const linkId = await addUnfrozenLinks(business, tenant, { status: 'open' })
    const { organisationId } = tenant
    const asked = viewer.fx.repair.mutate({ organisationId, linkId })
    expect((await refusalOf(asked)).data?.code).to.equal('FORBIDDEN')
  })
})
