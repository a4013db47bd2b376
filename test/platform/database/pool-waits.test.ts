import { expect } from 'chai'
import { sql } from 'kysely'
import { openDatabase, type Database } from '#platform/database/database'
import { describePool } from '#platform/health/figures'
import { createLifecycle, type Lifecycle } from '#platform/lifecycle'
import { createLog } from '#platform/log'
import { openProcessMetrics } from '#platform/metrics/process-metrics'
import { prometheusText } from '#platform/metrics/prometheus-text'
import { snapshotOf } from '#platform/metrics/snapshot'
import { databaseOptions } from '../../support/business.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { parsePrometheus } from '../../support/prometheus.ts'
import { createDatabase } from '../../support/servers.ts'
import { eventually } from '../queue/fixture.ts'

describe('waiting for a connection of the pool', () => {
  let db: Database
  let clock: TestClock
  let lifecycle: Lifecycle

  beforeEach(async () => {
    clock = createTestClock()
    const log = createLog('test', 'silent')
    lifecycle = createLifecycle(log)
    const options = { ...databaseOptions(await createDatabase()), connectionsMax: 1 }
    db = await openDatabase({ ...options, acquireTimeoutMs: 200 }, [], { log, lifecycle, clock })
  })
  afterEach(() => lifecycle.stop())

  const waits = () => describePool({ pool: db.statistics(), waits: db.waits }).waits
  const someoneWaits = () => eventually(() => (db.statistics().waiting > 0 ? true : undefined))

  it('is measured from the wish to the connection, also where nobody had to wait', async () => {
    await db.run(sql`select 1`)
    await db.pool.query('select 1')
    expect(waits()).to.deep.equal({ count: 2, failed: 0, p50: 0.1, p95: 0.1, p99: 0.1 })

    const held = await db.pool.connect()
    const first = db.run(sql`select 1`)
    await someoneWaits()
    await clock.advance(300)
    held.release()
    await first
    expect(waits()).to.deep.equal({ count: 4, failed: 0, p50: 0.1, p95: 500, p99: 500 })
  })

  it('counts who waited in vain', async () => {
    const held = await db.pool.connect()
    const failed = db.run(sql`select 1`).catch((error: unknown) => error)
    expect(await failed).to.be.instanceOf(Error)
    held.release()
    expect(waits()).to.include({ count: 2, failed: 1 })
  })

  it('is told the same by Prometheus, by /api/metrics and by health', async () => {
    const held = await db.pool.connect()
    const second = db.pool.query('select 1')
    await someoneWaits()
    await clock.advance(40)
    held.release()
    await second
    const given = { serviceName: 'test', version: '1', pushEveryMs: undefined }
    const metrics = await (await openProcessMetrics(given, { db, clock, lifecycle })).read()
    const name = 'db_client_connection_wait_time_seconds'
    const samples = parsePrometheus(prometheusText(metrics))
    const of = (suffix: string, le?: string) =>
      samples.find((one) => one.name === `${name}${suffix}` && one.labels['le'] === le)?.value
    expect([of('_bucket', '0.025'), of('_bucket', '0.05'), of('_count')]).to.deep.equal([1, 2, 2])
    expect(of('_sum')).to.be.closeTo(0.04, 1e-9)
    expect(
      samples.find(({ name: one }) => one === 'db_client_connection_timeouts_total')?.value,
    ).to.equal(0)
    const { pool } = snapshotOf(metrics).performance.database
    expect(pool.waits).to.deep.equal({ ...waits(), p50: 0.1, p95: 50, p99: 50 })
  })
})
