import { expect } from 'chai'
import { createHealth } from '#platform/health/health'
import type { Check, CheckState } from '#platform/health/check'
import { createLifecycle } from '#platform/lifecycle'
import { createLog } from '#platform/log'
import { measureHealth } from '#platform/metrics/measure-health'
import { prometheusText } from '#platform/metrics/prometheus-text'
import { openMetrics } from '#platform/telemetry/metrics'
import { createTestClock } from '../../support/clock.ts'
import { parsePrometheus } from '../../support/prometheus.ts'

describe('the health of a process as metrics', () => {
  it('is one for the state of each check as the report has it, 15 s old at most, once the process has settled', async () => {
    const clock = createTestClock()
    const log = createLog('test', 'silent')
    const lifecycle = createLifecycle(log)
    let state: CheckState = 'pass'
    const check: Check = {
      name: 'database',
      isService: true,
      isVital: true,
      budgetMs: 80,
      run: async () => ({ state }),
    }
    const health = createHealth({ version: 'test', checks: [check] }, { clock })
    const metrics = await openMetrics(
      { serviceName: 'test', pushEveryMs: undefined },
      { clock, lifecycle },
    )
    measureHealth(metrics, health, { clock, log, lifecycle })
    const told = async () => {
      const samples = parsePrometheus(prometheusText(await metrics.read()))
      const states = samples.filter(({ labels }) => labels['check'] === 'database')
      const age = samples.find(({ name }) => name === 'health_sample_age_seconds')?.value
      return { age, on: states.filter(({ value }) => value === 1).map((one) => one.series) }
    }

    expect(await told()).to.deep.equal({ age: undefined, on: [] })
    await clock.advance(14_000)
    expect(await told()).to.deep.equal({ age: undefined, on: [] })
    await clock.advance(1_000)
    expect((await told()).on).to.deep.equal(['health_check{check="database",state="pass"}'])
    state = 'fail'
    await clock.advance(14_000)
    expect(await told()).to.deep.equal({
      age: 14,
      on: ['health_check{check="database",state="pass"}'],
    })
    await clock.advance(2_000)
    expect(await told()).to.deep.equal({
      age: 1,
      on: ['health_check{check="database",state="fail"}'],
    })
    await lifecycle.stop()
  })
})
