import { expect } from 'chai'
import { settings } from '#config'
import { alerts } from '../../../deploy/observability/alerts.ts'
import { dashboards } from '../../../deploy/observability/dashboards.ts'
import { metricList } from '../../../deploy/observability/metric-list.ts'
import { recordingGroups } from '../../../deploy/observability/recordings.ts'
import { proceduresOf } from '../../support/admin.ts'
import { promqlNames } from './promql-names.ts'

// Rules, panels and runbooks name what exists. That the list of metrics is what the processes expose, metric-list.test.ts shows.

const recordings = Object.values(recordingGroups).flatMap((group) => group.recordings)

/** A histogram is asked by its parts. */
const partsOf = ({ name, kind }: (typeof metricList)[number]) =>
  kind === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]

const known = new Map<string, ReadonlySet<string>>([
  ['up', new Set(['job', 'instance'])],
  ...metricList.flatMap((metric) =>
    partsOf(metric).map(
      (part) => [part, new Set([...metric.labels, 'job', 'instance', 'le'])] as const,
    ),
  ),
  ...recordings.map(({ record }) => [record, new Set(['class', 'job', 'instance'])] as const),
])

/** What an expression names that does not exist. A label must be one of some metric that is named beside it. */
function unknownIn(expr: string): readonly string[] {
  const { metrics, labels } = promqlNames(expr)
  const allowed = metrics.flatMap((name) => [...(known.get(name) ?? [])])
  return [
    ...metrics.filter((name) => !known.has(name)),
    ...labels.filter((label) => !allowed.includes(label)),
  ]
}

describe('what rules and runbooks name', () => {
  it('are metrics and labels that exist', () => {
    const expressions = [...alerts, ...recordings].map(({ expr }) => expr)
    expect(expressions.flatMap(unknownIn)).to.deep.equal([])
  })

  it('are metrics and labels that exist, in every panel', () => {
    const panels = [...dashboards.values()].flat()
    const expressions = panels.flatMap(({ series }) => series.map(([expr]) => expr))
    expect(expressions).to.have.length.above(metricList.length)
    expect(expressions.flatMap(unknownIn)).to.deep.equal([])
    for (const { series } of panels) {
      for (const [expr, legend] of series) {
        const labels = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, name = '']) => name)
        const { metrics } = promqlNames(expr)
        const allowed = metrics.flatMap((name) => [...(known.get(name) ?? [])])
        expect(allowed, expr).to.include.members(labels)
      }
    }
  })

  it('are all metrics that exist, each on one dashboard', () => {
    const titles = [...dashboards.entries()]
      .filter(([name]) => name !== 'overview')
      .flatMap(([, panels]) => panels.map(({ title }) => title))
    expect(titles).to.have.members(metricList.map(({ name }) => name))
    for (const [name, panels] of dashboards) {
      expect(panels, name).to.have.length.within(1, 20)
    }
  })

  const planted: [string, string[]][] = [
    ['up == 0', []],
    ['upp == 0', ['upp']],
    ['sum by (job) (rate(cache_hits_total{http_route="/a"}[5m])) > 0', ['http_route']],
    ['cache_hits > 1 and on (job, pod) up == 1', ['cache_hits', 'pod']],
    [
      'histogram_quantile(0.95, sum by (le) (rate(http_server_request_duration_seconds[1m])))',
      ['http_server_request_duration_seconds', 'le'],
    ],
    ['label_replace(up, "a", "$1", "job", "(.*)") or vector(0)', []],
  ]
  for (const [expr, unknown] of planted) {
    it(`is found where it does not: ${expr}`, () => {
      expect(unknownIn(expr)).to.deep.equal(unknown)
    })
  }

  it('are settings and procedures that exist', () => {
    const texts = alerts
      .flatMap(({ runbook, when }) => [...Object.values(runbook), when])
      .join('\n')
    const capitals = [...texts.matchAll(/\b[A-Z]+(?:_[A-Z]+)+\b/g)].map(([name]) => name)
    expect(capitals).not.to.have.length(0)
    expect(Object.keys(settings)).to.include.members(capitals)
    const dotted = [...texts.matchAll(/`([a-z]+\.[a-z]\w+)`/gi)].map(([, name = '']) => name)
    expect(dotted).not.to.have.length(0)
    expect(proceduresOf().map(({ path }) => path)).to.include.members(dotted)
    const named = [...texts.matchAll(/`((?:[a-z]+_)+total|(?:[a-z]+_)+(?:bytes|seconds))`/g)]
    expect([...known.keys()]).to.include.members(named.map(([, name = '']) => name))
  })
})
