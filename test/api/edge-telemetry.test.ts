import { expect } from 'chai'
import { startChild, type Child } from '../support/child.ts'
import { startCollector, type Collector } from '../support/collector.ts'
import { addTenant, openBusiness, type Business, type Tenant } from '../support/business.ts'
import { freePort } from '../support/servers.ts'
import { eventually } from '../platform/queue/fixture.ts'

describe('what the edge answers, as telemetry shows it', () => {
  let business: Business
  let tenant: Tenant
  let child: Child
  let collector: Collector
  let origin: string
  before(async () => {
    business = await openBusiness()
    tenant = await addTenant(business, 'harbour')
    collector = await startCollector()
    const port = await freePort()
    origin = `http://127.0.0.1:${port}`
    child = await startChild('api', {
      DATABASE_URL: business.url,
      REDIS_URL: '',
      PORT: String(port),
      FX_PROVIDERS: 'demo-replay',
      LOG_LEVEL: 'debug',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_TRACES_SAMPLER: 'parentbased_always_off',
      OTEL_BSP_SCHEDULE_DELAY: '50',
    })
  })
  after(async () => {
    await child.stop()
    await collector.close()
    await business.lifecycle.stop()
  })

  let asked = 0
  const ask = (headers: Record<string, string> = {}) => {
    asked += 1
    return fetch(`${origin}/api/v2/assets?limit=1`, {
      headers: { authorization: `Bearer ${tenant.secretKey}`, ...headers },
    })
  }

  /** All but the first two, of which one was fetched and one remembered. The report is kept for a moment. */
  const expectEdged = () =>
    eventually(async () => {
      const health: any = await (await fetch(`${origin}/api/health/detailed`)).json()
      return health.metrics.api.edge === asked - 2 || undefined
    })

  it('is one span with route and status in the trace of the caller, whom the answer tells of it', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
    const spanId = '00f067aa0ba902b7'
    await ask()
    await ask()
    const answer = await ask({ traceparent: `00-${traceId}-${spanId}-01` })
    await expectEdged()
    const told = /traceparent;desc="00-([\da-f]{32})-([\da-f]{16})-01"/.exec(
      answer.headers.get('server-timing') ?? '',
    )
    expect(told?.[1]).to.equal(traceId)
    const span = await eventually(() => collector.spans.find((one) => one.traceId === traceId))
    expect(span).to.deep.include({
      name: 'GET /api/v2/assets',
      parentSpanId: spanId,
      spanId: told?.[2],
      attributes: {
        'http.request.method': 'GET',
        'http.route': '/api/v2/assets',
        'http.response.status_code': 200,
      },
    })
    const [, began = '', ended = ''] =
      /"startTimeUnixNano":"(\d+)","endTimeUnixNano":"(\d+)"/.exec(span.text) ?? []
    expect(BigInt(ended) > BigInt(began), 'it lasted').to.equal(true)
  })

  it('is one line of the log, with the id that the answer has', async () => {
    const answer = await ask()
    await expectEdged()
    const requestId = answer.headers.get('request-id')
    const line = await eventually(() => child.lines.find((one) => one['requestId'] === requestId))
    expect(line).to.include({ route: '/api/v2/assets', status: 200, isComplete: true })
  })

  it('has no trace in its answer when it is not recorded', async () => {
    const answer = await ask()
    expect(answer.headers.get('server-timing')).to.match(/^total;dur=[\d.]+, cache;desc="hit"$/)
  })
})
