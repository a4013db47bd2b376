import { expect } from 'chai'
import { systemClock } from '#platform/clock'
import { eventually } from '../platform/queue/fixture.ts'
import { openFreezable, type Freezable } from '../support/freezable.ts'

// The servers of this spec are its own, since they are frozen. Times are bounded far above what is promised and measured
// (`npm run bench -- health`): a machine that is busy is no fault.

const patienceMs = 3_000

describe('the health of a process whose servers are frozen', () => {
  let servers: Freezable

  before(async function () {
    this.timeout(90_000)
    const opened = await openFreezable()
    if (!opened) {
      this.skip()
    }
    servers = opened
    await untilHealthy()
  })
  after(() => servers?.close())
  afterEach(async () => {
    servers.thaw()
    await untilHealthy()
  })

  const untilHealthy = () =>
    eventually(async () => (await ask('/health')).body.status === 'healthy' || undefined, 30_000)

  async function ask(path: string): Promise<{ status: number; body: any; ms: number }> {
    const beganMs = systemClock.monotonicMs()
    const answer = await fetch(`${servers.origin}${path}`, {
      signal: AbortSignal.timeout(patienceMs),
    })
    const body = await answer.json()
    return { status: answer.status, body, ms: systemClock.monotonicMs() - beganMs }
  }

  const read = () =>
    fetch(`${servers.origin}/api/v2/payment-links?limit=1`, {
      headers: { authorization: `Bearer ${servers.secretKey}` },
    }).then(({ status }) => status)

  /** Asks the database, whatever is kept. */
  const create = () =>
    fetch(`${servers.origin}/api/v2/payment-links`, {
      method: 'POST',
      headers: { authorization: `Bearer ${servers.secretKey}` },
    }).then(({ status }) => status)

  it('degrades while Redis is frozen, stays ready, and says which it is', async () => {
    servers.freeze('redis')
    const basic = await eventually(async () => {
      const asked = await ask('/api/health')
      return asked.body.status === 'degraded' ? asked : undefined
    })
    expect(basic.status).to.equal(200)
    expect(basic.body.services.database).to.include({ healthy: true })
    expect((await ask('/health/ready')).status).to.equal(200)
    // an answer is kept for a second, and the metrics may have asked just before
    const { status, body } = await eventually(async () => {
      const asked = await ask('/health/detailed')
      return asked.body.services.cache.redis === false ? asked : undefined
    })
    expect([status, body.status]).to.deep.equal([200, 'degraded'])
    expect(body.services.cache).to.include({ redis: false, backend: 'redis' })
    expect(body.checks.cache.lastSuccessAt).to.be.a('string')
  })

  it('is unhealthy while PostgreSQL is frozen, and lives, and is ready for what it keeps', async () => {
    servers.freeze('postgres')
    const basic = await eventually(async () => {
      const asked = await ask('/health')
      return asked.status === 503 ? asked : undefined
    })
    expect(basic.body.services.database).to.include({ healthy: false, status: 'unhealthy' })
    expect((await ask('/health/live')).status).to.equal(200)
    expect((await ask('/health/ready')).status).to.equal(200)
    const detailed = await eventually(async () => {
      const asked = await ask('/health/advanced')
      return asked.status === 503 ? asked : undefined
    })
    expect([detailed.status, detailed.body.status]).to.deep.equal([503, 'unhealthy'])
    for (const name of ['queue', 'outbox', 'fx', 'ledger']) {
      expect(detailed.body.checks[name].status, name).to.equal('fail')
    }
    const asked = await Promise.all(Array.from({ length: 100 }, () => ask('/health/detailed')))
    expect(new Set(asked.map(({ status }) => status))).to.deep.equal(new Set([503]))
    // what belongs to requests is untouched by all this asking
    expect((await ask('/health/database')).body.poolMetrics).to.include({ waiting: 0 })
  })

  it('refuses statements at once after five connections failed, and takes them when the database is back', async () => {
    const circuit = async () => (await ask('/health/database')).body.circuitBreaker
    servers.freeze('postgres')
    await eventually(async () => {
      const statuses = await Promise.all(Array.from({ length: 5 }, read))
      expect(statuses.every((status) => status === 503 || status === 504)).to.equal(true)
      return (await circuit()).state === 'OPEN' || undefined
    }, 40_000)
    const { state, failures, nextAttemptAt, transitions } = await circuit()
    expect(state).to.equal('OPEN')
    expect(failures).to.be.at.least(5)
    expect(new Date(nextAttemptAt).getTime()).to.be.above(systemClock.now().getTime())
    expect(transitions).to.include({ OPEN: 1, HALF_OPEN: 0, CLOSED: 0 })
    const refused = servers.child.lines.filter(({ msg }) =>
      String(msg).startsWith('database circuit opened'),
    )
    expect(refused).to.have.length(1)
    servers.thaw()
    await eventually(async () => ((await read()) === 200 ? true : undefined), 20_000)
    await eventually(async () => {
      await create()
      return (await circuit()).state === 'CLOSED' || undefined
    }, 20_000)
    expect((await circuit()).transitions).to.include({ HALF_OPEN: 1, CLOSED: 1 })
  })
}).timeout(90_000)
