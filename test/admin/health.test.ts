import { expect } from 'chai'
import { issueAdminToken } from '#members'
import { createHealth } from '#platform/health/health'
import { databaseView } from '#platform/health/database-health'
import { databaseCheck } from '#platform/health/platform-checks'
import { createCircuitBreaker, type CircuitBreaker } from '#platform/resilience/circuit-breaker'
import { circuitsOf } from '#platform/resilience/circuits'
import { adminClient, refusalOf, startAdmin, type AdminClient } from '../support/admin.ts'
import { startApi, type Api } from '../support/api.ts'
import { addTenant, openBusiness, type Business } from '../support/business.ts'
import { freePort } from '../support/servers.ts'
import { eventually } from '../platform/queue/fixture.ts'

describe('health over tRPC', () => {
  let business: Business
  let api: Api
  let secretKey: string
  let own: CircuitBreaker
  let viewer: AdminClient
  let operator: AdminClient

  before(async () => {
    business = await openBusiness()
    secretKey = (await addTenant(business, 'harbour')).secretKey
    const url = `redis://127.0.0.1:${await freePort()}`
    const redis = { url, connectTimeoutMs: 50, commandTimeoutMs: 50 }
    api = await startApi(business, { cache: { tiers: 'memory-and-redis', redis } })
    own = createCircuitBreaker({ name: 'postgres', judge: () => 'failed' }, business)
    const health = createHealth(
      {
        version: '0.1.0',
        checks: [
          databaseCheck({ ping: async () => void (await business.db.pool.query('select 1')) }),
        ],
        inside: { database: databaseView({ db: business.db, databaseCircuit: own }) },
      },
      business,
    )
    const circuits = circuitsOf({ databaseCircuit: own, publishers: business.fx.breakers })
    const origin = await startAdmin(business, {
      health,
      circuits,
      cachePatienceMs: 5_000,
      deadlineMs: 20_000,
    })
    const as = async (role: 'viewer' | 'operator') =>
      adminClient(origin, (await issueAdminToken(business, { name: role, role })).text)
    viewer = await as('viewer')
    operator = await as('operator')
  })
  after(() => business.lifecycle.stop())

  const fail = async (times: number): Promise<void> => {
    for (let time = 0; time < times; time += 1) {
      await own.run(() => Promise.reject(new Error('away'))).catch(() => undefined)
    }
  }
  /** Of the API's Redis, which is not there. */
  const stateThere = async () => {
    const { processes } = await viewer.health.breakers.query()
    return processes[0]?.breakers.find(({ name }) => name === 'redis-cache')
  }
  /** Asks for what nobody has asked for, until the API has found out that there is no Redis. */
  let asked = 0
  const untilOpen = () =>
    eventually(async () => {
      asked += 1
      const path = `/api/v2/payment-links?createdFrom=${2000 + asked}-01-01T00:00:00Z`
      await api.call('GET', path, { as: secretKey })
      const there = await stateThere()
      return there?.state === 'OPEN' ? there : undefined
    })

  it('gives the basic, the detailed and the database report in the shapes of HTTP', async () => {
    expect(await viewer.health.summary.query()).to.include({ status: 'healthy', version: '0.1.0' })
    const detailed = await viewer.health.detailed.query()
    expect(detailed).to.include.keys('checks', 'metrics', 'system')
    expect(detailed.checks).to.include.keys('database', 'pool', 'circuit')
    const database = await viewer.health.database.query()
    expect(database).to.deep.include({ status: 'healthy' })
    expect(database?.poolMetrics.max).to.equal(20)
  })

  it('shows the circuits of this process and of the API, and closes one that is open here', async () => {
    await fail(5)
    const shown = await viewer.health.breakers.query()
    expect(shown).to.include({ known: 1, answered: 1 })
    expect(shown.own).to.have.length(1)
    expect(shown.own[0]).to.include({ name: 'postgres', state: 'OPEN', failures: 5 })
    expect(shown.own[0]?.nextAttemptAt).to.be.a('string')
    const reset = await operator.health.resetBreaker.mutate({ name: 'postgres' })
    expect(reset.own).to.deep.equal({ before: 'OPEN' })
    expect((await viewer.health.breakers.query()).own[0]).to.include({
      state: 'CLOSED',
      failures: 0,
      nextAttemptAt: null,
    })
    expect(await own.run(async () => 'let through')).to.equal('let through')
  })

  it('opens anew only after five failures more', async () => {
    await fail(5)
    await operator.health.resetBreaker.mutate({ name: 'postgres' })
    await fail(4)
    expect(own.snapshot()).to.include({ state: 'CLOSED', failures: 4 })
    await fail(1)
    expect(own.snapshot().state).to.equal('OPEN')
    own.reset()
  })

  it('closes a circuit of the API process, which opens again while Redis is away', async () => {
    const before = await untilOpen()
    const reset = await operator.health.resetBreaker.mutate({ name: 'redis-cache' })
    expect(reset.processes.map(({ before: state }) => state)).to.deep.equal(['OPEN'])
    expect(reset).not.to.have.property('own')
    expect((await stateThere())?.transitions.CLOSED).to.equal(1)
    const after = await untilOpen()
    expect(after.transitions.OPEN).to.equal((before.transitions.OPEN ?? 0) + 1)
  })

  it('knows no others, and takes an operator', async () => {
    const unknown = await refusalOf(operator.health.resetBreaker.mutate({ name: 'nothing' }))
    expect(unknown.data).to.deep.include({ code: 'NOT_FOUND', slug: 'platform/circuit-unknown' })
    const refusal = await refusalOf(viewer.health.resetBreaker.mutate({ name: 'postgres' }))
    expect(refusal.data?.code).to.equal('FORBIDDEN')
  })
})
