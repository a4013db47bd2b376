import { expect } from 'chai'
import { systemClock } from '#platform/clock'
import type { Check, CheckResult } from '#platform/health/check'
import { createHealth, type HealthOptions } from '#platform/health/health'
import { reportHealth } from '#platform/health/report'
import { createTestClock } from '../../support/clock.ts'

const roomy = () => ({ usedBytes: 25, totalBytes: 100 })

function check(name: string, run: () => Promise<CheckResult>, more: Partial<Check> = {}): Check {
  return { name, isService: true, isVital: true, budgetMs: 80, run, ...more }
}

const passes = async (): Promise<CheckResult> => ({ state: 'pass' })
const fails = async (): Promise<CheckResult> => ({ state: 'fail' })
const never = () => new Promise<CheckResult>(() => {})

function open(checks: readonly Check[], more: Partial<HealthOptions> = {}) {
  return createHealth({ version: '1.2.3', checks, memory: roomy, ...more }, { clock: systemClock })
}

describe('health report', () => {
  it('has the shape that monitors read', async () => {
    const report = await open([
      check('database', passes),
      check('fx', async () => ({ state: 'pass', facts: { oldest_rate_s: 31 } }), {
        isService: false,
      }),
    ]).report()
    expect(report).to.include({ status: 'healthy', version: '1.2.3', uptime: 0 })
    expect(report.services).to.have.keys('database')
    expect(report.services['database']).to.include({ healthy: true })
    expect(report.memory).to.deep.equal({ used: 25, total: 100, percentage: 25 })
    expect(report.checks['fx']).to.include({ status: 'pass', oldest_rate_s: 31 })
    expect(new Date(report.timestamp).toISOString()).to.equal(report.timestamp)
  })

  it('is unhealthy without what is vital, and only degraded without the rest', async () => {
    const vital = await open([check('database', fails), check('queue', passes)]).report()
    const rest = await open([
      check('database', passes),
      check('queue', fails, { isVital: false }),
    ]).report()
    expect(vital.status).to.equal('unhealthy')
    expect(rest.status).to.equal('degraded')
    expect(rest.services['queue']).to.include({ healthy: false })
  })

  it('degrades when the heap is nearly used up', () => {
    const at = new Date('2026-01-01T00:00:00Z')
    const of = (usedBytes: number) =>
      reportHealth({
        checked: [],
        memory: { usedBytes, totalBytes: 100 },
        at,
        uptimeSeconds: 1.9,
        version: '1',
      })
    expect(of(89)).to.include({ status: 'healthy', uptime: 1 })
    expect(of(90)).to.include({ status: 'degraded' })
  })

  it('treats a check that throws as failed', async () => {
    const report = await open([
      check('database', () => Promise.reject(new Error('secret'))),
    ]).report()
    expect(report.status).to.equal('unhealthy')
    expect(JSON.stringify(report)).not.to.include('secret')
  })

  it('stays within the budget although something is frozen, and does not ask it again', async () => {
    let asked = 0
    const frozen = check('database', () => {
      asked += 1
      return never()
    })
    const health = open([frozen, check('queue', passes)], { maxAgeMs: 0 })
    const begin = performance.now()
    const first = await health.report()
    expect(performance.now() - begin).to.be.below(1_000)
    expect(first.services['database']).to.include({ healthy: false })
    expect(first.services['queue']).to.include({ healthy: true })
    const again = performance.now()
    expect((await health.report()).status).to.equal('unhealthy')
    expect(performance.now() - again).to.be.below(500)
    expect(asked).to.equal(1)
  })

  it('is degraded while something that just passed is slow, and unhealthy once it stays away', async () => {
    const clock = createTestClock()
    let isSlow = false
    const sometimes = check('database', () => (isSlow ? never() : passes()))
    const health = createHealth({ version: '1', checks: [sometimes], memory: roomy }, { clock })
    const after = async (ms: number) => {
      await clock.advance(ms)
      const asked = health.report()
      await clock.advance(80)
      return (await asked).status
    }
    expect(await after(0)).to.equal('healthy')
    isSlow = true
    expect(await after(2_000)).to.equal('degraded')
    expect(await after(2_000)).to.equal('unhealthy')
  })

  it('keeps nobody waiting who asks while a report of a moment ago is renewed', async () => {
    const clock = createTestClock()
    let isSlow = false
    const sometimes = check('database', () => (isSlow ? never() : passes()))
    const health = createHealth({ version: '1', checks: [sometimes], memory: roomy }, { clock })
    await health.report()
    isSlow = true
    await clock.advance(1_000)
    expect((await health.report()).status).to.equal('healthy')
    await clock.advance(80)
    expect((await health.report()).status).to.equal('degraded')
  })

  it('asks once, however many want to know within the second', async () => {
    const clock = createTestClock()
    let asked = 0
    const counted = check('database', async () => {
      asked += 1
      return { state: 'pass' }
    })
    const health = createHealth({ version: '1', checks: [counted], memory: roomy }, { clock })
    await Promise.all(Array.from({ length: 1000 }, () => health.report()))
    expect(asked).to.equal(1)
    await clock.advance(2000)
    await Promise.all(Array.from({ length: 1000 }, () => health.report()))
    expect(asked).to.equal(2)
    expect(clock.sleeping()).to.equal(0)
  })
})

describe('phase of a process', () => {
  it('never goes back from draining', () => {
    const health = open([])
    expect(health.phase()).to.equal('starting')
    health.enter('ready')
    health.enter('draining')
    health.enter('ready')
    expect(health.phase()).to.equal('draining')
  })
})
