import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { expect } from 'chai'
import { eventually } from '../platform/queue/fixture.ts'
import { startChild, type Child } from '../support/child.ts'
import { parsePrometheus, type Sample } from '../support/prometheus.ts'
import { createDatabase, freePort } from '../support/servers.ts'

describe('the metrics of a worker process', () => {
  let child: Child
  let collector: Server
  let port: number
  const pushed: string[] = []
  const token = 'metrics-of-the-worker'

  before(async () => {
    collector = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        pushed.push(`${request.url} ${Buffer.concat(chunks).toString()}`)
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      })
    })
    collector.listen(0, '127.0.0.1')
    await once(collector, 'listening')
    const address = collector.address()
    const collectorPort = typeof address === 'object' ? address?.port : undefined
    port = await freePort()
    child = await startChild('worker', {
      DATABASE_URL: await createDatabase(),
      REDIS_URL: '',
      WORKER_PORT: String(port),
      FX_PROVIDERS: 'ecb',
      FX_ECB_DAILY_URL: 'http://127.0.0.1:1/daily.xml',
      METRICS_TOKEN: token,
      METRICS_ALLOW_LOCAL: 'false',
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `http://127.0.0.1:${collectorPort}/v1/metrics`,
      OTEL_METRIC_EXPORT_INTERVAL: '1000',
    })
  })
  after(async () => {
    await child.stop()
    collector.closeAllConnections()
    collector.close()
    await once(collector, 'close')
  })

  const read = (headers: Record<string, string> = { authorization: `Bearer ${token}` }) =>
    fetch(`http://127.0.0.1:${port}/metrics`, { headers })

  /** Once there is a series of that name. */
  const sampled = (name: string): Promise<readonly Sample[]> =>
    eventually(async () => {
      const found = parsePrometheus(await (await read()).text())
      return found.some((one) => one.name === name) ? found : undefined
    }, 30_000)

  it('are for whoever has the token', async () => {
    expect((await read({})).status).to.equal(401)
    expect((await read()).headers.get('content-type')).to.match(/^text\/plain; version=0\.0\.4/)
  })

  it('tell of queues with the age of the oldest job, of runs, rates, circuits, pool and loop', async () => {
    const samples = await sampled('job_duration_seconds_count')
    const named = await sampled('queue_jobs')
    const names = new Set([...samples, ...named].map(({ name }) => name))
    for (const name of [
      'queue_oldest_job_age_seconds',
      'queue_paused',
      'queue_dead_letters',
      'outbox_lag_seconds',
      'queue_sample_age_seconds',
      'circuit_breaker_state',
      'process_start_time_seconds',
      'circuit_breaker_transitions_total',
      'db_client_operation_duration_seconds_count',
      'db_client_connection_max',
      'nodejs_eventloop_delay_p99_seconds',
      'process_cpu_time_seconds_total',
    ]) {
      expect(names, name).to.include(name)
    }
    const states = named.filter(({ name }) => name === 'circuit_breaker_state')
    for (const name of ['postgres', 'fx-ecb']) {
      const own = states.filter(({ labels }) => labels['name'] === name)
      expect(
        own.map(({ labels }) => labels['state']),
        name,
      ).to.have.members(['CLOSED', 'OPEN', 'HALF_OPEN'])
      expect(own.reduce((sum, { value }) => sum + value, 0)).to.equal(1)
    }
    expect(states).to.have.length(6)
    const queues = named
      .filter(({ name }) => name === 'queue_jobs')
      .map(({ labels }) => labels['queue'])
    expect(queues).to.include('fx')
  })

  it('are sent to a collector that is named, the same ones', async () => {
    await sampled('queue_jobs')
    const sentSince = pushed.length
    const last = await eventually(
      () => pushed.slice(sentSince).find((body) => body.includes('"queue.jobs"')),
      20_000,
    )
    expect(last).to.match(/^\/v1\/metrics /)
    for (const name of [
      'job.duration',
      'db.client.operation.duration',
      'outbox.lag',
      'app.build.info',
    ]) {
      expect(last, name).to.include(`"${name}"`)
    }
    expect(last).to.include('tidegate-worker')
  })
})
