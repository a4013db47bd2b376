import { expect } from 'chai'
import { issueAdminToken } from '#members'
import { openLifetimes } from '#platform/cache/lifetimes'
import { adminClient, refusalOf, startAdmin, type AdminClient } from '../support/admin.ts'
import { startApi, ttlSeconds, type Api } from '../support/api.ts'
import { addTenant, openBusiness, type Business, type Tenant } from '../support/business.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'

describe('how long kept answers live, set while an API process runs', () => {
  let business: Business
  let tenant: Tenant
  let clock: TestClock
  let api: Api
  let operator: AdminClient
  let viewer: AdminClient

  beforeEach(async () => {
    business = await openBusiness()
    tenant = await addTenant(business, 'harbour')
    clock = createTestClock()
    const lifetimes = openLifetimes({ ttlSeconds }, { ...business, clock })
    api = await startApi(business, { cache: { tiers: 'memory' }, lifetimes })
    const origin = await startAdmin(business)
    const clientOf = async (role: 'operator' | 'viewer') =>
      adminClient(origin, (await issueAdminToken(business, { name: role, role })).text)
    operator = await clientOf('operator')
    viewer = await clientOf('viewer')
  })
  afterEach(() => business.lifecycle.stop())

  /** The remaining life of an answer that is kept, in seconds. */
  async function lifeOf(path: string): Promise<number> {
    await api.call('GET', path, { as: tenant.secretKey })
    const { headers } = await api.call('GET', path, { as: tenant.secretKey })
    const [, ttl] = /^memory; hit; ttl=(\d+)$/.exec(headers.get('cache-status') ?? '') ?? []
    return Number(ttl)
  }
  /** A process looks every 15 s. */
  async function known(seconds: number): Promise<void> {
    const deadline = performance.now() + 10_000
    for (;;) {
      const { processes } = await viewer.cache.ttls.query()
      if (processes.length > 0 && processes.every(({ long }) => long.freshSeconds === seconds)) {
        return
      }
      expect(performance.now(), `no process goes by ${seconds} s`).to.be.below(deadline)
      await clock.advance(15_000)
    }
  }

  it('holds for answers that are made from then on, also where the edge had sent the old one', async () => {
    const [hot, other, third] = ['code', 'kind', 'name'].map(
      (field) => `/api/v2/assets?fields=${field}`,
    )
    expect(await lifeOf(hot ?? '')).to.be.within(3_200, 4_000)
    for (let again = 0; again < 5; again += 1) {
      await lifeOf(hot ?? '')
    }
    await operator.cache.setTtl.mutate({ class: 'long', freshSeconds: 100 })
    await known(100)
    expect(await lifeOf(other ?? '')).to.be.within(85, 110)
    // What is kept ends when it would have ended.
    expect(await lifeOf(hot ?? '')).to.be.within(3_200, 4_000)
    await operator.cache.invalidate.mutate({ by: 'tag', tags: ['assets'] })
    await api.slice.cache.catchUp()
    expect(await lifeOf(hot ?? '')).to.be.within(85, 110)
    await operator.cache.setTtl.mutate({ class: 'long', freshSeconds: null })
    await known(3_600)
    expect(await lifeOf(third ?? '')).to.be.within(3_200, 4_000)
  })

  it('is shown with who set it, and by what each process goes', async () => {
    await operator.cache.setTtl.mutate({ class: 'long', freshSeconds: 1_800 })
    await operator.cache.setTtl.mutate({ class: 'short', freshSeconds: 20 })
    await operator.cache.setTtl.mutate({ class: 'short', freshSeconds: 30 })
    await known(1_800)
    const { set, known: count, answered, processes } = await viewer.cache.ttls.query()
    expect(set.map((one) => [one.class, one.freshSeconds])).to.deep.equal([
      ['short', 30],
      ['long', 1_800],
    ])
    expect(set[0]?.updatedAt).to.match(/^\d{4}-\d\d-\d\dT.*Z$/)
    expect([count, answered]).to.deep.equal([1, 1])
    const { process, ...lifetimes } = processes[0] ?? {}
    expect(process).to.be.a('string')
    expect(lifetimes).to.deep.equal({
      volatile: { freshSeconds: 30, staleSeconds: 0 },
      short: { freshSeconds: 30, staleSeconds: 60 },
      medium: { freshSeconds: 300, staleSeconds: 60 },
      long: { freshSeconds: 1_800, staleSeconds: 180 },
    })
    const { records } = await viewer.audit.list.query({ procedure: 'cache.setTtl', limit: 1 })
    expect(records[0]).to.deep.include({
      actor: 'operator',
      before: { freshSeconds: 20 },
      after: { freshSeconds: 30 },
    })
  })

  it('goes on as it was while it cannot be looked up', async () => {
    await operator.cache.setTtl.mutate({ class: 'long', freshSeconds: 1_800 })
    await known(1_800)
    await business.db.pool.query('alter table cache_lifetimes rename to elsewhere')
    await clock.advance(15_000)
    await clock.advance(15_000)
    expect(api.slice.lifetimes.long.freshSeconds).to.equal(1_800)
    await business.db.pool.query('alter table elsewhere rename to cache_lifetimes')
  })

  for (const [what, input] of Object.entries({
    'no time': { class: 'long', freshSeconds: 0 },
    'longer than changes are kept': { class: 'long', freshSeconds: 3_601 },
    'a part of a second': { class: 'long', freshSeconds: 1.5 },
    'what is volatile': { class: 'volatile', freshSeconds: 10 },
  })) {
    it(`refuses ${what}`, async () => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as a client without types may send it
      const refusal = await refusalOf(operator.cache.setTtl.mutate(input as never))
      expect(refusal.data?.code).to.equal('BAD_REQUEST')
      expect((await viewer.cache.ttls.query()).set).to.deep.equal([])
    })
  }

  it('is not for viewers', async () => {
    const asked = viewer.cache.setTtl.mutate({ class: 'long', freshSeconds: 10 })
    expect((await refusalOf(asked)).data?.code).to.equal('FORBIDDEN')
  })
})
