import { expect } from 'chai'
import { alerts } from '../../../deploy/observability/alerts.ts'
import { dashboards } from '../../../deploy/observability/dashboards.ts'
import { recordingGroups } from '../../../deploy/observability/recordings.ts'
import { jobs } from '../../../deploy/observability/selectors.ts'
import { eventually } from '../../platform/queue/fixture.ts'
import { startPrometheus, type PrometheusServer } from '../../support/prometheus-server.ts'
import { metricsToken, startProcesses, type Processes } from '../../support/processes.ts'

// A real Prometheus with our configuration, against the three real processes. How soon an alert fires is measured by
// npm run bench -- alert-response.

describe('a real Prometheus', function () {
  this.timeout(120_000)
  let processes: Processes
  let prometheus: PrometheusServer

  before(async function () {
    processes = await startProcesses()
    const { ports } = processes
    const started = await startPrometheus({ ports, token: metricsToken })
    if (!started) {
      this.skip() // prometheus is not on PATH
    }
    prometheus = started
  })
  after(async () => {
    await prometheus?.stop()
    await processes?.close()
  })

  it('scrapes all three processes with the token, and is well', async () => {
    expect(await prometheus.healthStatus()).to.equal(200)
    const targets = await eventually(async () => {
      const { activeTargets } = await prometheus.ask('/targets')
      const isKnown = activeTargets.every(({ health }: any) => health !== 'unknown')
      return isKnown && activeTargets.length === jobs.length ? activeTargets : undefined
    }, 60_000)
    expect(targets.map(({ labels }: any) => labels.job)).to.have.members([...jobs])
    expect(targets.map(({ health, lastError }: any) => `${health}${lastError}`)).to.deep.equal([
      'up',
      'up',
      'up',
    ])
  })

  it('has loaded every rule, and fails at none', async () => {
    const recordings = Object.values(recordingGroups).flatMap((group) => group.recordings)
    const { groups } = await prometheus.ask('/rules')
    const rules = groups.flatMap((group: any) => group.rules)
    expect(rules.map(({ name }: any) => name)).to.have.members([
      ...alerts.map(({ name }) => name),
      ...recordings.map(({ record }) => record),
    ])
    expect(rules.filter(({ health }: any) => health === 'err')).to.deep.equal([])
  })
  it('understands every panel', async () => {
    const expressions = [...dashboards.values()].flat().flatMap(({ series }) => series)
    const refused: string[] = []
    for (const [expr] of expressions) {
      const query = expr.replaceAll('$__rate_interval', '1m')
      const data = await prometheus.ask(`/query?query=${encodeURIComponent(query)}`)
      if (data?.resultType !== 'vector') {
        refused.push(expr)
      }
    }
    expect(expressions).to.have.length.above(50)
    expect(refused).to.deep.equal([])
  })
})
