import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { dashboards } from '../../../deploy/observability/dashboards.ts'

// The files that nothing here can run: what they name among themselves exists. Neither a collector nor Alertmanager nor Grafana
// is needed for that, and none has read them here.

const read = (path: string): any => parse(readFileSync(`deploy/${path}`, 'utf8'), { merge: true })

describe('the configuration of the collector', () => {
  const collector = read('otel-collector/config.yml')
  const { pipelines, extensions } = collector.service

  it('runs what it declares and declares what it runs', () => {
    for (const kind of ['receivers', 'processors', 'exporters'] as const) {
      const used = Object.values<any>(pipelines).flatMap((pipeline) => pipeline[kind])
      expect(Object.keys(collector[kind]), kind).to.have.members(used)
    }
    expect(Object.keys(collector.extensions)).to.have.members(extensions)
  })

  it('takes traces alone, limits its memory before anything else, and sends in batches', () => {
    expect(Object.keys(pipelines)).to.deep.equal(['traces'])
    expect(pipelines.traces.processors).to.deep.equal(['memory_limiter', 'batch'])
  })

  it('listens where README sends the processes, and where Prometheus scrapes it', () => {
    const { endpoint } = collector.receivers.otlp.protocols.http
    const port = String(endpoint).split(':')[1]
    expect(readFileSync('README.md', 'utf8')).to.include(
      `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://otel-collector:${port}/v1/traces`,
    )
    const [reader] = collector.service.telemetry.metrics.readers
    const scraped = readFileSync('deploy/prometheus/prometheus.yml', 'utf8')
    expect(scraped).to.include(`otel-collector:${reader.pull.exporter.prometheus.port}`)
  })
})

describe('the configuration of Alertmanager', () => {
  const { route, receivers, inhibit_rules: inhibitions } = read('alertmanager/alertmanager.yml')

  it('tells of critical alerts and warnings, and of no other', () => {
    const names = receivers.map(({ name }: any) => name)
    const routed = [route, ...route.routes]
    expect(names).to.have.members([...new Set(routed.map(({ receiver }: any) => receiver))])
    const toNobody = route.routes.filter(({ receiver }: any) => receiver === 'nobody')
    expect(toNobody.map(({ matchers }: any) => matchers)).to.deep.equal([['severity="rollout"']])
  })

  it('silences a milder alert by a worse one on the same figure only', () => {
    expect(inhibitions[0].equal).to.include('figure')
    const written = read('prometheus/rules/alerts.yml').groups.flatMap((group: any) => group.rules)
    const figures = new Map<string, string[]>()
    for (const { labels, alert } of written) {
      figures.set(labels.figure, [...(figures.get(labels.figure) ?? []), alert])
    }
    const shared = [...figures.values()]
      .filter((names) => names.length > 1)
      .map((names) => names[0])
    expect(shared).to.have.members([
      'MemoryCritical',
      'ApiLatencyCritical',
      'ApiErrorsCritical',
      'CacheHitRatioCritical',
      'DatabasePoolCritical',
    ])
  })
})

describe('the configuration of Grafana', () => {
  it('has the sources that dashboards ask, and finds the dashboards where compose mounts them', () => {
    const { datasources } = read('grafana/provisioning/datasources/datasources.yml')
    expect(datasources.map(({ uid }: any) => uid)).to.include('prometheus')
    const { providers } = read('grafana/provisioning/dashboards/dashboards.yml')
    const compose = readFileSync('docker-compose.yml', 'utf8')
    for (const { options } of providers) {
      expect(compose).to.include(`./deploy/grafana/dashboards:${options.path}:ro`)
    }
    const rules = readFileSync('deploy/prometheus/rules/alerts.yml', 'utf8')
    const linked = [...rules.matchAll(/dashboard_url: \/d\/tidegate-(\w+)/g)].map(
      ([, name]) => name,
    )
    expect([...dashboards.keys()]).to.include.members(linked)
    expect(linked).to.have.length.above(30)
  })

  it('gives each panel a number, a place and the source that is chosen', () => {
    for (const name of dashboards.keys()) {
      const { uid, panels } = JSON.parse(
        readFileSync(`deploy/grafana/dashboards/${name}.json`, 'utf8'),
      )
      expect(uid).to.equal(`tidegate-${name}`)
      const places = panels.map(({ gridPos }: any) => `${gridPos.x} ${gridPos.y}`)
      expect(new Set(places).size).to.equal(panels.length)
      for (const { datasource, targets } of panels) {
        expect(datasource.uid).to.equal('${datasource}')
        expect(targets).to.have.length.above(0)
      }
    }
  })
})
