import { expect } from 'chai'
import { writeFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { jobs } from '../../../deploy/observability/selectors.ts'
import { metricList, type ListedMetric } from '../../../deploy/observability/metric-list.ts'
import { eventually } from '../../platform/queue/fixture.ts'
import { redisUrl } from '../../support/servers.ts'
import { startProcesses, type Job, type Processes } from '../../support/processes.ts'

// What the three processes really expose, and the list of it that rules and dashboards are made from and held to.
// After a change of a metric: UPDATE=1 npm test -- observability, twice: dashboards are made from the list.

const path = 'deploy/observability/metrics.json'
const hint = 'run: UPDATE=1 npm test -- observability'

/** What is sampled comes with the first sample, and what a job does with its first run. */
const lateComers = [
  'fx_rate_last_success_timestamp_seconds',
  'fx_rate_age_seconds',
  'job_duration_seconds',
  'health_check',
  'redis_memory_usage_bytes',
]

describe('the list of metrics', function () {
  this.timeout(90_000)
  let processes: Processes

  before(async function () {
    if (redisUrl() === undefined) {
      this.skip() // a process without Redis has no metrics of it
    }
    processes = await startProcesses()
  })
  after(() => processes?.close())

  it('is what the three processes expose, with their labels', async () => {
    for (const route of ['/api/v2/products', '/api/v2/products', '/api/products', '/api/v2/me']) {
      expect(await processes.read(route)).to.equal(200)
    }
    const look = async (): Promise<readonly ListedMetric[]> =>
      listOf(await Promise.all(jobs.map(async (job) => [job, await processes.text(job)] as const)))
    if (process.env['UPDATE'] === '1') {
      await eventually(async () => {
        const names = (await look()).map(({ name }) => name)
        return lateComers.every((name) => names.includes(name)) || undefined
      }, 60_000)
      writeFileSync(path, `${JSON.stringify(await look(), undefined, 2)}\n`)
      return
    }
    const isListed = async () => isDeepStrictEqual(await look(), metricList) || undefined
    await eventually(isListed, 60_000).catch(() => undefined)
    expect(await look(), hint).to.deep.equal(metricList)
  })
})

/** Sorted by name; a metric of several processes once. */
function listOf(texts: readonly (readonly [Job, string])[]): readonly ListedMetric[] {
  const list = new Map<string, ListedMetric>()
  for (const [job, text] of texts) {
    for (const [, name = '', help = ''] of text.matchAll(/^# HELP (\w+) (.*)$/gm)) {
      const kind = new RegExp(`^# TYPE ${name} (\\w+)$`, 'm').exec(text)?.[1] ?? ''
      const series = new RegExp(`^${name}(?:_count)?(?:\\{(.*)\\})? `, 'gm')
      const labels = [...text.matchAll(series)].flatMap(([, pairs = '']) =>
        [...pairs.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)].map(([, label = '']) => label),
      )
      const known = list.get(name)
      list.set(name, {
        name,
        kind: kind as ListedMetric['kind'],
        help: help.replaceAll('\\\\', '\\'),
        labels: [...new Set([...(known?.labels ?? []), ...labels])].toSorted(),
        jobs: [...(known?.jobs ?? []), job],
      })
    }
  }
  return [...list.values()].toSorted((left, right) => (left.name < right.name ? -1 : 1))
}
