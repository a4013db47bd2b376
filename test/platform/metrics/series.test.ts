import { expect } from 'chai'
import { Series, seriesPointsMax } from '#platform/metrics/series'
import { prometheusText } from '#platform/metrics/prometheus-text'
import type { Metric } from '#platform/telemetry/metric'

const named = { unit: '', description: '' }

/** What a process has counted after so many requests, each of which was a hit, and every tenth of which failed slowly. */
const counted = (requests: number): readonly Metric[] => {
  const failed = Math.floor(requests / 10)
  const histogram = (status: string, counts: readonly number[]) => ({
    labels: { 'http.route': '/a', 'http.response.status_code': status },
    bounds: [0.01, 1],
    counts,
    sum: 0,
  })
  return [
    {
      ...named,
      name: 'http.server.request.duration',
      kind: 'histogram',
      points: [histogram('200', [requests - failed, 0, 0]), histogram('503', [0, failed, 0])],
    },
    {
      ...named,
      name: 'cache.hits',
      kind: 'counter',
      points: [{ labels: {}, value: requests - 1 }],
    },
    {
      ...named,
      name: 'cache.requests',
      kind: 'counter',
      points: [
        { labels: { 'http.route': '/a' }, value: requests },
        { labels: { 'http.route': 'credential' }, value: 7 * requests },
      ],
    },
    {
      ...named,
      name: 'process.cpu.time',
      kind: 'counter',
      points: [{ labels: {}, value: requests / 100 }],
    },
  ]
}

const at = (seconds: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds))

describe('the series of a process', () => {
  it('tells what happened in each interval, not since the start', () => {
    const series = new Series()
    series.add(counted(100), at(0))
    expect(series.list()).to.deep.equal([])
    series.add(counted(300), at(15))
    series.add(counted(300), at(30))
    const [busy, idle] = series.list()
    expect(busy).to.include({
      at: '2026-01-01T00:00:15.000Z',
      seconds: 15,
      requests: 200,
      errors: 20,
      p50: 10,
      p95: 1_000,
      hits: 200,
      misses: 0,
    })
    expect(busy?.cpuRatio).to.be.closeTo(2 / 15, 1e-9)
    expect(idle).to.include({ requests: 0, errors: 0, p50: 0, p99: 0, hits: 0, cpuRatio: 0 })
  })

  it('keeps an hour and no more', () => {
    const series = new Series()
    for (let index = 0; index < seriesPointsMax + 10; index += 1) {
      series.add(counted(index), at(15 * index))
    }
    expect(series.list()).to.have.length(seriesPointsMax)
    expect(series.list().at(-1)?.at).to.equal(at(15 * (seriesPointsMax + 9)).toISOString())
  })
})

describe('the text that Prometheus reads', () => {
  it('escapes what labels hold, and adds unit and total to names once', () => {
    const metrics: readonly Metric[] = [
      {
        name: 'cache.load.duration',
        unit: 's',
        description: 'two\nlines',
        kind: 'counter',
        points: [{ labels: { 'http.route': 'a"b\\c\nd' }, value: 0.5 }],
      },
      { name: 'nodejs.size', unit: 'By', description: 'x', kind: 'gauge', points: [] },
      {
        name: 'loop.busy',
        unit: '1',
        description: 'x',
        kind: 'gauge',
        points: [{ labels: {}, value: Infinity }],
      },
      {
        name: 'job.duration',
        unit: 's',
        description: 'x',
        kind: 'histogram',
        points: [{ labels: { queue: 'q' }, bounds: [0.1, 1], counts: [1, 2, 3], sum: 9 }],
      },
    ]
    expect(prometheusText(metrics).split('\n')).to.deep.equal([
      String.raw`# HELP cache_load_duration_seconds_total two\nlines`,
      '# TYPE cache_load_duration_seconds_total counter',
      String.raw`cache_load_duration_seconds_total{http_route="a\"b\\c\nd"} 0.5`,
      '# HELP loop_busy_ratio x',
      '# TYPE loop_busy_ratio gauge',
      'loop_busy_ratio +Inf',
      '# HELP job_duration_seconds x',
      '# TYPE job_duration_seconds histogram',
      'job_duration_seconds_bucket{queue="q",le="0.1"} 1',
      'job_duration_seconds_bucket{queue="q",le="1"} 3',
      'job_duration_seconds_bucket{queue="q",le="+Inf"} 6',
      'job_duration_seconds_sum{queue="q"} 9',
      'job_duration_seconds_count{queue="q"} 6',
      '',
    ])
  })
})
