import { expect } from 'chai'
import { createLifecycle, type Lifecycle } from '#platform/lifecycle'
import { createLog } from '#platform/log'
import { measureRequests } from '#platform/metrics/measure-requests'
import { errorBudgets } from '#platform/metrics/objectives'
import { openProcessMetrics, type ProcessMetrics } from '#platform/metrics/process-metrics'
import { RequestFigures, recordDuration } from '#platform/telemetry/request-figures'
import { openBusiness, type Business } from '../../support/business.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { eventually } from '../queue/fixture.ts'

// REQUIREMENTS R: errors < 0.1 %, p95 < 100 ms (S0), p99 < 500 ms (S3).
describe('error budgets', () => {
  let business: Business
  let clock: TestClock
  let figures: RequestFigures
  let metrics: ProcessMetrics
  let lifecycle: Lifecycle

  before(async () => {
    business = await openBusiness()
  })
  beforeEach(async () => {
    lifecycle = createLifecycle(createLog('test', 'silent'))
    clock = createTestClock()
    figures = new RequestFigures()
    const options = { serviceName: 'test', version: '1', pushEveryMs: undefined }
    metrics = await openProcessMetrics(options, { db: business.db, clock, lifecycle })
    measureRequests(metrics, figures)
    await eventually(async () => (clock.sleeping() > 0 ? true : undefined))
  })
  afterEach(() => lifecycle.stop())
  after(() => business.lifecycle.stop())

  const serve = (times: number, seconds: number, status = 200, route = '/api/v2/products') => {
    const series = figures.series('GET', route, status)
    for (let time = 0; time < times; time += 1) {
      recordDuration(series, seconds)
    }
  }
  /** Lets an interval end. */
  const turn = async (): Promise<void> => {
    const before = metrics.series().at(-1)
    await clock.advance(15_000)
    await eventually(async () => (metrics.series().at(-1) === before ? undefined : true))
    await eventually(async () => (clock.sleeping() > 0 ? true : undefined))
  }
  const budgets = () => errorBudgets([metrics.series()], clock.now())
  const window = (name: string, seconds = 300) =>
    budgets()
      .find((one) => one.name === name)
      ?.windows.find((one) => one.seconds === seconds)

  it('are whole while nobody asks', async () => {
    await turn()
    for (const { windows } of budgets()) {
      for (const one of windows) {
        expect(one).to.deep.include({ requests: 0, bad: 0, burnRate: 0, budgetLeftRatio: 1 })
        expect(one.coveredSeconds).to.equal(15)
      }
    }
  })

  it('count a request at the limit as good, and one above as bad', async () => {
    serve(94, 0.1)
    serve(4, 0.101)
    serve(1, 0.5)
    serve(1, 0.501)
    await turn()
    expect(window('within-100-ms')).to.deep.include({ requests: 100, bad: 6, goodRatio: 0.94 })
    expect(window('within-100-ms')?.burnRate).to.be.closeTo(1.2, 1e-9)
    expect(window('within-500-ms')).to.deep.include({ requests: 100, bad: 1 })
    expect(window('within-500-ms')?.burnRate).to.be.closeTo(1, 1e-9)
    expect(window('within-500-ms')?.budgetLeftRatio).to.be.closeTo(0, 1e-9)
  })

  it('count 5xx against availability, and neither refusals nor what is not for callers', async () => {
    serve(995, 0.001)
    serve(2, 0.001, 503)
    serve(3, 0.001, 429)
    serve(50, 0.001, 500, '/metrics')
    serve(50, 0.001, 500, '(unmatched)')
    await turn()
    expect(window('availability')).to.deep.include({ requests: 1000, bad: 2 })
    expect(window('availability')?.burnRate).to.be.closeTo(2, 1e-9)
  })

  it('forget what is older than their window', async () => {
    serve(10, 0.001, 500)
    await turn()
    serve(10, 0.001)
    for (let interval = 0; interval < 20; interval += 1) {
      await turn()
    }
    expect(window('availability')).to.deep.include({ requests: 10, bad: 0, coveredSeconds: 300 })
    expect(window('availability', 1_800)).to.deep.include({ requests: 20, bad: 10 })
    expect(window('availability', 3_600)?.coveredSeconds).to.equal(315)
  })
})
