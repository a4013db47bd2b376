import { expect } from 'chai'
import { startBadCollector, type BadCollector } from '../support/bad-collector.ts'
import { addTenant, openBusiness, type Business, type Tenant } from '../support/business.ts'
import { startChild, type Child } from '../support/child.ts'
import { parsePrometheus } from '../support/prometheus.ts'
import { freePort } from '../support/servers.ts'
import { eventually } from '../platform/queue/fixture.ts'

const waitingMax = 64
/** More spans than may wait, several times. */
const requestsCount = 300

describe('while the collector takes nothing', () => {
  let business: Business
  let tenant: Tenant
  let child: Child | undefined
  let collector: BadCollector | undefined
  let origin: string
  before(async () => {
    business = await openBusiness()
    tenant = await addTenant(business, 'harbour')
  })
  afterEach(async () => {
    await child?.stop()
    child = undefined
    await collector?.close()
    collector = undefined
  })
  after(() => business.lifecycle.stop())

  async function start(collectorUrl: string): Promise<Child> {
    const port = await freePort()
    origin = `http://127.0.0.1:${port}`
    return startChild('api', {
      DATABASE_URL: business.url,
      REDIS_URL: '',
      PORT: String(port),
      FX_PROVIDERS: 'demo-replay',
      OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl,
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_BSP_MAX_QUEUE_SIZE: String(waitingMax),
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '16',
      OTEL_BSP_SCHEDULE_DELAY: '20',
      // Longer than a process may take to stop.
      OTEL_EXPORTER_OTLP_TIMEOUT: '60000',
      OTEL_BSP_EXPORT_TIMEOUT: '60000',
    })
  }

  /** Statuses of answers, each with a number of its own, so that each has spans of its request and of its statement. */
  async function ask(count: number): Promise<ReadonlySet<number>> {
    const statuses = new Set<number>()
    for (let done = 0; done < count; done += 10) {
      const paths = Array.from(
        { length: 10 },
        (_, index) => `/api/v2/assets?limit=${1 + ((done + index) % 50)}`,
      )
      const answers = await Promise.all(
        paths.map((path) =>
          fetch(`${origin}${path}`, { headers: { authorization: `Bearer ${tenant.secretKey}` } }),
        ),
      )
      for (const answer of answers) {
        await answer.arrayBuffer()
        statuses.add(answer.status)
      }
    }
    return statuses
  }

  async function figures() {
    const samples = parsePrometheus(await (await fetch(`${origin}/metrics`)).text())
    const spans = (result: string): number =>
      samples.find(
        ({ name, labels }) => name === 'telemetry_spans_total' && labels['result'] === result,
      )?.value ?? Number.NaN
    const waiting =
      samples.find(({ name }) => name === 'telemetry_spans_waiting')?.value ?? Number.NaN
    return { sent: spans('sent'), failed: spans('failed'), dropped: spans('dropped'), waiting }
  }

  for (const mood of ['away', 'frozen', 429, 503] as const) {
    it(`answers as ever, holds no more spans than may wait, counts the rest, and stops by itself: ${mood}`, async () => {
      collector = await startBadCollector(mood === 'away' ? 200 : mood)
      const { url } = collector
      if (mood === 'away') {
        await collector.close()
        collector = undefined
      }
      child = await start(url)
      expect([...(await ask(requestsCount))]).to.deep.equal([200])
      const { sent, failed, dropped, waiting } = await figures()
      expect(sent).to.equal(0)
      expect(waiting).to.be.at.most(waitingMax)
      expect(dropped).to.be.above(0)
      expect(failed + dropped + waiting).to.be.at.least(requestsCount)
      expect((await collector?.connectionsCount()) ?? 0).to.be.at.most(1)
      // Exit code 1 is that of a process that did not come to its end in time.
      expect((await child.stop()).code).to.equal(0)
      expect(child.lines.at(-1)).to.include({ msg: 'process stopped' })
    }).timeout(60_000)
  }

  it('sends the next spans when it takes them again', async () => {
    collector = await startBadCollector(503)
    child = await start(collector.url)
    await ask(requestsCount)
    expect(await figures()).to.include({ sent: 0 })
    collector.turn(200)
    await eventually(async () => ((await figures()).waiting === 0 ? true : undefined))
    const { sent, dropped } = await figures()
    await ask(10)
    await eventually(async () => ((await figures()).sent > sent ? true : undefined))
    expect(await figures()).to.include({ dropped })
  }).timeout(60_000)
})
