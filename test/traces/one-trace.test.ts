import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { sql } from 'kysely'
import { issueAdminToken } from '#members'
import { createLifecycle } from '#platform/lifecycle'
import { createLog } from '#platform/log'
import { findRedisBinary, startRedis } from '../../deploy/laptop/redis.ts'
import { adminClient } from '../support/admin.ts'
import { bankRates, startBank } from '../support/bank.ts'
import { addMember, addTenant, openBusiness, type Business } from '../support/business.ts'
import { startChild, type Child } from '../support/child.ts'
import { startCollector, type CollectedSpan, type Collector } from '../support/collector.ts'
import { freePort } from '../support/servers.ts'
import { drawTree, orphansOf, statementsOf } from '../support/trace-tree.ts'
import { eventually } from '../platform/queue/fixture.ts'

/** What a caller has begun before it asked us. */
const caller = { traceId: 'c0ffee00'.repeat(4), spanId: '00f067aa0ba902b7' }
const traceparent = `00-${caller.traceId}-${caller.spanId}-01`

/** What must stand in no span: what the link says, who it is for, what the rates were, and who was allowed to ask. */
const said = {
  amount: 730_519,
  description: 'Zinnober',
  item: 'Karmin',
  email: 'greta@harbour.example',
}

const link = (memberId: string) => ({
  amount: { amount: said.amount, currency: 'GBP' },
  description: said.description,
  memberId,
  items: [{ name: said.item, quantity: 1, unitAmount: said.amount }],
})

for (const kind of ['redis', 'postgres'] as const) {
  describe(`one trace through api, worker and admin, with the queues on ${kind}`, () => {
    const lifecycle = createLifecycle(createLog('test', 'silent'))
    let business: Business
    let collector: Collector
    let api: Child
    let worker: Child
    let secrets: readonly string[]
    let answer: Response
    let body: { readonly data: { readonly id: string } }
    let refusal: Response
    let refused: { readonly traceId: string }

    before(async function () {
      this.timeout(60_000)
      const redisUrl = kind === 'redis' ? ((await openRedis()) ?? this.skip()) : ''
      const bank = await startBank()
      lifecycle.defer('bank', () => bank.close())
      collector = await startCollector()
      lifecycle.defer('collector', () => collector.close())
      business = await openBusiness()
      lifecycle.defer('business', () => business.lifecycle.stop())
      const tenant = await addTenant(business, 'harbour')
      const member = await addMember(business, tenant.organisationId, said.email)
      const { text: adminToken } = await issueAdminToken(business, { name: 'a', role: 'admin' })
      secrets = [tenant.secretKey, adminToken, member.memberId]
      const [apiPort, adminPort] = [await freePort(), await freePort()]
      const environment = {
        ...bank.environment,
        DATABASE_URL: business.url,
        REDIS_URL: redisUrl,
        PORT: String(apiPort),
        ADMIN_PORT: String(adminPort),
        WORKER_PORT: String(await freePort()),
        LOG_LEVEL: 'debug',
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      }
      // The worker comes last: what the others leave behind waits for it, and none of it is lost, its trace included.
      api = await startChild('api', environment)
      const post = (key: string, sent: unknown) =>
        fetch(`http://127.0.0.1:${apiPort}/api/v2/payment-links`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${tenant.secretKey}`,
            'content-type': 'application/json',
            'idempotency-key': key,
            ...(key === 'made' && { traceparent }),
          },
          body: JSON.stringify(sent),
        })
      answer = await post('made', link(member.memberId))
      body = JSON.parse(await answer.text())
      refusal = await post('refused', { description: said.description })
      refused = JSON.parse(await refusal.text())
      const admin = await startChild('admin', environment)
      const client = adminClient(`http://127.0.0.1:${adminPort}`, adminToken)
      await client.fx.backfill.mutate({ reach: 'recent' })
      worker = await startChild('worker', environment)
      await Promise.all(['verify-frozen-rates', 'backfill-fx-rates'].map(ended))
      await Promise.all([worker, admin, api].map((child) => child.stop()))
    })
    after(() => lifecycle.stop())

    async function openRedis(): Promise<string | undefined> {
      const binary = await findRedisBinary(process.env['PATH'] ?? '')
      if (!binary) {
        return undefined
      }
      const directory = await mkdtemp(join(tmpdir(), 'tidegate-redis-'))
      lifecycle.defer('directory', () => rm(directory, { recursive: true, force: true }))
      const redis = await startRedis({ binary, directory, port: await freePort() })
      lifecycle.defer('redis', () => redis.stop())
      return redis.url
    }

    type Run = { readonly traceId: string; readonly state: string }

    const ended = (name: string): Promise<Run> =>
      eventually(async () => {
        const [run] = await business.db.run(sql<Run>`
          select trace_id as "traceId", state from job_runs
           where name = ${name} and state <> 'active'`)
        return run
      })

    const spansOf = (traceId: string): readonly CollectedSpan[] =>
      collector.spans.filter((span) => span.traceId === traceId)

    /** Without SQL and Redis, which are told of one by one. */
    const drawn = (traceId: string): readonly string[] =>
      drawTree(spansOf(traceId).filter(({ attributes }) => !('db.system.name' in attributes)))

    /** What was said to the database and to Redis right below the span of a name. */
    function saidBelow(traceId: string, name: string): string {
      const spans = spansOf(traceId)
      const ids = spans.filter((span) => span.name === name).map(({ spanId }) => spanId)
      return statementsOf(spans.filter(({ parentSpanId }) => ids.includes(parentSpanId ?? '')))
    }

    it("shows a link's creation as one tree, from the caller's request to the job", () => {
      expect(answer.status).to.equal(201)
      expect(drawn(caller.traceId)).to.deep.equal([
        'tidegate-api POST /api/v2/payment-links',
        '  tidegate-api GET',
        '  tidegate-worker add events.verify-frozen-rates',
        '    tidegate-worker process events',
        '      tidegate-worker complete events',
      ])
      const [root] = spansOf(caller.traceId).filter(({ name }) => name.startsWith('POST '))
      expect(root?.parentSpanId).to.equal(caller.spanId)
    })

    it('shows what the request, the queue and the job said to the database', () => {
      const below = (name: string) => saidBelow(caller.traceId, name)
      expect(below('POST /api/v2/payment-links'))
        .to.match(/insert into fx_rates/i)
        .and.match(/insert into "?payment_links/i)
        .and.match(/insert into "?outbox_events/i)
        .and.match(/^commit$/im)
      expect(below('add events.verify-frozen-rates')).to.match(
        kind === 'redis' ? /^evalsha$/ : /bullmq|job/i,
      )
      expect(below('process events'))
        .to.match(/insert into job_runs/i)
        .and.match(/event_deliveries/i)
        .and.match(/fx_snapshots/i)
    })

    it('shows what an operator asked for, from the procedure to the provider that a job calls', async () => {
      const { traceId } = await ended('backfill-fx-rates')
      expect(drawn(traceId)).to.deep.equal([
        'tidegate-admin POST /trpc/:procedure',
        '  tidegate-admin fx.backfill',
        '    tidegate-admin add fx-history.backfill-fx-rates',
        '      tidegate-worker process fx-history',
        '        tidegate-worker GET',
        '        tidegate-worker complete fx-history',
      ])
      const [call] = spansOf(traceId).filter(({ name }) => name === 'GET')
      expect(call?.attributes['url.full']).to.match(/^http:\/\/127\.0\.0\.1:\d+\/90\.xml$/)
    })

    it('leaves no span without its parent', () => {
      expect(collector.spans.length).to.be.above(50)
      expect(orphansOf(collector.spans, caller.spanId)).to.deep.equal([])
    })

    it('has one id in the answer, the record of the job and the lines of the logs', async () => {
      const told = /traceparent;desc="00-([\da-f]{32})-[\da-f]{16}-01"/
      expect(told.exec(answer.headers.get('server-timing') ?? '')?.[1]).to.equal(caller.traceId)
      expect(await ended('verify-frozen-rates')).to.deep.equal({
        traceId: caller.traceId,
        state: 'completed',
      })
      const requestId = answer.headers.get('request-id')
      const answered = api.lines.find((line) => line['requestId'] === requestId)
      expect(answered).to.include({ trace_id: caller.traceId, msg: 'request answered' })
      const completed = worker.lines.find((line) => line['job'] === 'verify-frozen-rates')
      expect(completed).to.include({ trace_id: caller.traceId })
    })

    it('names the trace in a problem and beside it', () => {
      expect(refusal.status).to.equal(400)
      const [, traceId] =
        /desc="00-([\da-f]{32})-/.exec(refusal.headers.get('server-timing') ?? '') ?? []
      expect(refused.traceId).to.equal(traceId)
      expect(drawn(refused.traceId)).to.deep.equal(['tidegate-api POST /api/v2/payment-links'])
    })

    it('says nothing of the link, of its member, of the rates and of the keys', () => {
      const everything = collector.spans.map(({ text }) => text).join('\n')
      for (const value of [
        ...Object.values(said).map(String),
        ...Object.values(bankRates),
        ...secrets,
        body.data.id,
      ]) {
        expect(everything).not.to.include(value)
      }
      expect(statementsOf(collector.spans)).not.to.match(/'[^']/)
    })
  })
}
