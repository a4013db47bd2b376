import { expect } from 'chai'
import { sql } from 'kysely'
import { pino } from 'pino'
import { issueAdminToken } from '#members'
import type { JobRun } from '#platform/queue/define-job'
import { rebuildCaches } from '../../worker/jobs/rebuild-caches.ts'
import { refreshCaches } from '../../worker/jobs/refresh-caches.ts'
import { schedules } from '../../worker/schedules.ts'
import { adminClient, refusalOf, startAdmin, type AdminClient } from '../support/admin.ts'
import { startApi, type Answer, type Api } from '../support/api.ts'
import {
  addMember,
  addTenant,
  openBusiness,
  type Business,
  type Tenant,
} from '../support/business.ts'
import { addProducts } from '../support/catalogue.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'

const hit = /^memory; hit; ttl=\d+$/

describe('the caches of two API processes, warmed from outside', () => {
  let business: Business
  let tenant: Tenant
  let clock: TestClock
  let processes: readonly Business[]
  let apis: readonly [Api, Api]
  const said: Record<string, unknown>[] = []
  const log = pino({}, { write: (line: string) => void said.push(JSON.parse(line)) })

  before(async () => {
    business = await openBusiness()
    tenant = await addTenant(business, 'harbour')
    await addProducts(business, tenant, 30)
    clock = createTestClock()
    processes = [
      await openBusiness({ url: business.url, clock }),
      await openBusiness({ url: business.url, clock }),
    ]
    const [one, other] = await Promise.all(
      processes.map((each) => startApi(each, { cache: { tiers: 'memory' }, isCaughtUp: true })),
    )
    if (!one || !other) {
      throw new Error('two processes are needed')
    }
    apis = [one, other]
  })
  after(async () => {
    await Promise.all(processes.map(({ lifecycle }) => lifecycle.stop()))
    await business.lifecycle.stop()
  })

  const get = (api: Api, path: string, as = tenant.secretKey): Promise<Answer> =>
    api.call('GET', path, { as })
  const statusOf = ({ headers }: Answer): string => headers.get('cache-status') ?? ''

  const run = (signal = new AbortController().signal): JobRun => ({
    signal,
    attempt: 1,
    runId: '1',
    log,
    progress: async () => undefined,
    once: () => Promise.reject(new Error('it has no effect in the database')),
  })

  it('fetch every hour what is in demand in each; the run has as rows what was fetched', async () => {
    const [one, other] = apis
    for (const limit of [3, 4, 4, 3]) {
      await get(one, `/api/v2/products?limit=${limit}`)
    }
    await get(other, '/api/v2/products?limit=4')
    await get(other, '/api/v2/products?limit=4')
    expect(await refreshCaches.run(business, {}, run())).to.deep.equal({ rows: 0 })
    for (const limit of [3, 4, 4, 3]) {
      await get(one, `/api/v2/products?limit=${limit}`)
    }
    await get(other, '/api/v2/products?limit=4')
    await get(other, '/api/v2/products?limit=4')
    await clock.advance(700_000)
    await Promise.all(apis.map(({ slice }) => slice.cache.catchUp()))
    expect(await refreshCaches.run(business, {}, run())).to.deep.equal({ rows: 3 })
    await clock.advance(700_000)
    expect(statusOf(await get(one, '/api/v2/products?limit=3'))).to.match(hit)
    expect(statusOf(await get(other, '/api/v2/products?limit=4'))).to.match(hit)
  })

  it('fetch every day what active members begin with; the log says how many of them there are', async () => {
    const member = await addMember(business, tenant.organisationId, 'a@example.org')
    await addMember(business, tenant.organisationId, 'never@example.org')
    await business.db.run(sql`
      update members set last_active_at = ${clock.now().toISOString()}::timestamptz where id = ${member.memberId}`)
    const now = { ...business, clock: { ...business.clock, now: () => clock.now() } }
    expect(await rebuildCaches.run(now, {}, run())).to.deep.equal({ rows: 4 })
    expect(said.at(-1)).to.include({ activeCount: 1, warmedCount: 4 })
    for (const api of apis) {
      expect(statusOf(await get(api, '/api/v2/payment-links', member.token))).to.match(hit)
    }
  })

  it('are asked on the hour and at midnight, UTC', () => {
    const cadences = schedules.map(({ id, cadence }) => [id, cadence])
    expect(cadences).to.deep.include(['refresh-caches', { cron: '0 * * * *' }])
    expect(cadences).to.deep.include(['rebuild-caches', { cron: '0 0 * * *' }])
  })

  it('are not waited for when the job is to end', async () => {
    const stopped = new AbortController()
    const other = await business.db.pool.connect()
    await other.query('begin; lock table members')
    const running = rebuildCaches.run(business, {}, run(stopped.signal))
    stopped.abort(new Error('the worker stops'))
    const outcome = await Promise.resolve(running).catch((error: unknown) => error)
    await other.query('rollback')
    other.release()
    expect(outcome).to.have.property('name', 'AbortError')
  })

  describe('by an operator', () => {
    let operator: AdminClient
    let viewer: AdminClient
    before(async () => {
      const origin = await startAdmin(business, { log, deadlineMs: 20_000 })
      const issue = async (role: 'viewer' | 'operator'): Promise<AdminClient> =>
        adminClient(origin, (await issueAdminToken(business, { name: role, role })).text)
      operator = await issue('operator')
      viewer = await issue('viewer')
    })

    it('fetch what is declared, and each says what it did; the log says who wanted it', async () => {
      const {
        known,
        answered,
        warmed,
        processes: each,
      } = await operator.cache.warm.mutate({
        set: 'declared',
      })
      expect([known, answered, each.length]).to.deep.equal([2, 2, 2])
      expect(warmed).to.equal(each.reduce((sum, { filled, found }) => sum + filled + found, 0))
      expect(warmed).to.be.above(60)
      expect(each[0]).to.include({ failed: 0, refused: 0, isComplete: true })
      const line = said.find(({ msg }) => msg === 'cache warmed on request')
      expect(line).to.include({ set: 'declared' }).and.to.have.property('adminTokenId')
      const again = await operator.cache.warm.mutate({ set: 'declared' })
      expect(again.warmed).to.be.below(warmed / 2) // rates live shortly
      expect(again.processes[0]?.kept).to.be.above(30)
    })

    it('are left alone by viewers, and by who names no set', async () => {
      const refused = await refusalOf(viewer.cache.warm.mutate({ set: 'hot' }))
      expect(refused.data?.code).to.equal('FORBIDDEN')
      const vague = operator.cache.warm.mutate({ set: 'everything' as 'hot' })
      expect((await refusalOf(vague)).data?.code).to.equal('BAD_REQUEST')
    })
  })
})
