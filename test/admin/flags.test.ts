import { expect } from 'chai'
import { issueAdminToken } from '#members'
import { adminClient, refusalOf, startAdmin, type AdminClient } from '../support/admin.ts'
import { startApi, type Api } from '../support/api.ts'
import { addTenant, openBusiness, type Business, type Tenant } from '../support/business.ts'

const list = '/api/v2/payment-links'
const name = 'cursor-pagination'

describe('flags, switched while two API processes run', () => {
  let business: Business
  let ours: Tenant
  let theirs: Tenant
  let apis: readonly [Api, Api]
  let operator: AdminClient

  before(async () => {
    business = await openBusiness()
    ours = await addTenant(business, 'harbour')
    theirs = await addTenant(business, 'inland')
    const cache = { tiers: 'memory' } as const
    apis = [await startApi(business, { cache }), await startApi(business, { cache })]
    const { text } = await issueAdminToken(business, { name: 'Ada', role: 'operator' })
    operator = adminClient(await startAdmin(business), text)
  })
  after(() => business.lifecycle.stop())
  afterEach(async () => {
    for (const organisationId of [ours.organisationId, theirs.organisationId]) {
      await operator.flags.unset.mutate({ name, organisationId })
    }
    await operator.flags.unset.mutate({ name })
    await until(ours, 200)
  })

  const statusOf = async (api: Api, { secretKey }: Tenant, path = list): Promise<number> =>
    (await api.call('GET', path, { as: secretKey })).status

  /** Both processes answer so, within the second in which every write is known. */
  async function until(tenant: Tenant, status: number): Promise<void> {
    const deadline = performance.now() + 5_000
    for (const api of apis) {
      while ((await statusOf(api, tenant)) !== status) {
        expect(performance.now()).to.be.below(deadline)
      }
    }
  }

  it('switch the lists of version 2 off for an organisation and on again, also those that the edge sends', async () => {
    for (const api of [...apis, ...apis, ...apis, ...apis]) {
      expect(await statusOf(api, ours)).to.equal(200)
    }
    await operator.flags.set.mutate({ name, organisationId: ours.organisationId, percentage: 0 })
    await until(ours, 403)
    for (const api of apis) {
      const { json } = await api.call('GET', list, { as: ours.secretKey })
      expect(json).to.deep.include({ flag: name, status: 403 })
      expect(json.type).to.match(/\/problems\/http\/switched-off$/)
      expect(await statusOf(api, theirs)).to.equal(200)
      expect(await statusOf(api, ours, '/api/payment-links')).to.equal(200)
      expect(await statusOf(api, ours, '/api/v2/me')).to.equal(200)
    }
    await operator.flags.unset.mutate({ name, organisationId: ours.organisationId })
    await until(ours, 200)
  })

  it('switch them off for all but one', async () => {
    await operator.flags.set.mutate({ name, organisationId: ours.organisationId, percentage: 100 })
    await operator.flags.set.mutate({ name, percentage: 0 })
    await until(theirs, 403)
    expect(await Promise.all(apis.map((api) => statusOf(api, ours)))).to.deep.equal([200, 200])
  })

  it('are listed with their rules, and say what they switch', async () => {
    await operator.flags.set.mutate({ name, percentage: 25 })
    await operator.flags.set.mutate({ name, percentage: 35 })
    await operator.flags.set.mutate({ name, organisationId: ours.organisationId, percentage: 0 })
    const [flag, ...more] = await operator.flags.list.query()
    expect(more).to.deep.equal([])
    expect(flag).to.include({ name, switches: 'the lists of version 2' })
    expect(
      flag?.rules.map(({ organisationId, percentage }) => [organisationId, percentage]),
    ).to.deep.equal([
      [null, 35],
      [ours.organisationId, 0],
    ])
  })

  it('leave a record of what stood before and after', async () => {
    await operator.flags.set.mutate({ name, percentage: 40 })
    await operator.flags.set.mutate({ name, percentage: 60 })
    const { records } = await operator.audit.list.query({ procedure: 'flags.set', limit: 1 })
    expect(records[0]).to.deep.include({
      actor: 'Ada',
      before: { percentage: 40 },
      after: { percentage: 60 },
      outcome: 'done',
    })
  })

  const refused: readonly (readonly [what: string, input: object, code: string])[] = [
    ['a flag that switches nothing', { name: 'redis-cache', percentage: 0 }, 'BAD_REQUEST'],
    ['a share above all', { name, percentage: 101 }, 'BAD_REQUEST'],
    ['a negative share', { name, percentage: -1 }, 'BAD_REQUEST'],
    ['a part of a per cent', { name, percentage: 0.5 }, 'BAD_REQUEST'],
    [
      'half of an organisation',
      { name, percentage: 50, organisationId: '01900000-0000-7000-8000-000000000000' },
      'BAD_REQUEST',
    ],
    [
      'an organisation that is not there',
      { name, percentage: 0, organisationId: '01900000-0000-7000-8000-000000000000' },
      'NOT_FOUND',
    ],
  ]
  for (const [what, input, code] of refused) {
    it(`refuse ${what}`, async () => {
      const refusal = await refusalOf(operator.flags.set.mutate(input as never))
      expect(refusal.data?.code).to.equal(code)
    })
  }
})
