import { expect } from 'chai'
import { sql } from 'kysely'
import { Client } from 'pg'
import { issueAdminToken } from '#members'
import { createLifecycle } from '#platform/lifecycle'
import { createLog } from '#platform/log'
import { addTenant, openBusiness, type Business, type Tenant } from '../support/business.ts'
import { startChild, type Child } from '../support/child.ts'
import { startCollector, type CollectedSpan, type Collector } from '../support/collector.ts'
import { freePort } from '../support/servers.ts'
import { orphansOf } from '../support/trace-tree.ts'
import { eventually } from '../platform/queue/fixture.ts'

const slowMs = 250

describe('what is traced although nothing is drawn', () => {
  const lifecycle = createLifecycle(createLog('test', 'silent'))
  let business: Business
  let tenant: Tenant
  let collector: Collector
  let environment: Record<string, string>

  before(async () => {
    business = await openBusiness()
    lifecycle.defer('business', () => business.lifecycle.stop())
    tenant = await addTenant(business, 'harbour')
    collector = await startCollector()
    lifecycle.defer('collector', () => collector.close())
    environment = {
      DATABASE_URL: business.url,
      REDIS_URL: '',
      FX_PROVIDERS: 'ecb',
      FX_ECB_DAILY_URL: 'http://127.0.0.1:1/daily.xml',
      ENABLE_TEST_ERROR: 'true',
      TRACES_SLOW_MS: String(slowMs),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0',
    }
  })
  after(() => lifecycle.stop())

  const spansOf = (traceId: string | undefined): readonly CollectedSpan[] =>
    collector.spans.filter((span) => span.traceId === traceId)

  describe('of requests', () => {
    let child: Child
    let origin: string
    before(async () => {
      const port = await freePort()
      origin = `http://127.0.0.1:${port}`
      child = await startChild('api', { ...environment, PORT: String(port) })
    })
    after(() => child.stop())

    /** Never the same twice, so that each goes to the database. */
    let asked = 0
    async function ask(path = '/api/v2/assets', { method = 'GET', token = tenant.secretKey } = {}) {
      asked += 1
      const response = await fetch(`${origin}${path}?limit=${asked}`, {
        method,
        headers: { authorization: `Bearer ${token}` },
      })
      const timing = response.headers.get('server-timing') ?? ''
      const told = /total;dur=([\d.]+).*desc="00-([\da-f]{32})-[\da-f]{16}-(\d\d)"/.exec(timing)
      const [, ms = '', traceId = '', flags = ''] = told ?? []
      return { status: response.status, ms: Number(ms), traceId, flags }
    }

    it('is what fails, with what was asked of the database on the way', async () => {
      const { text: token } = await issueAdminToken(business, { name: 'a', role: 'admin' })
      const failed = await ask('/api/test/error', { method: 'POST', token })
      expect(failed).to.include({ status: 500, flags: '01' })
      await eventually(async () =>
        spansOf(failed.traceId).find(({ name }) => name.startsWith('POST')),
      )
      const spans = spansOf(failed.traceId)
      expect(spans.filter(({ isError }) => isError).map(({ name }) => name)).to.deep.equal([
        'POST /api/test/error',
      ])
      expect(spans.some(({ name }) => name.startsWith('pg.query'))).to.equal(true)
      expect(orphansOf(spans)).to.deep.equal([])
    })

    it('is what is slow, with what it waited for', async () => {
      const client = new Client({ connectionString: business.url })
      await client.connect()
      await client.query('begin; lock table assets in access exclusive mode')
      const asking = ask()
      await eventually(async () => {
        const [waiting] = await business.db.run(sql`
          select from pg_stat_activity
           where datname = current_database() and wait_event_type = 'Lock'
             and query_start < clock_timestamp() - make_interval(secs => ${slowMs / 1000})`)
        return waiting
      })
      await client.end()
      const slow = await asking
      // Its head was sent before anybody could know that it would be sent.
      expect(slow).to.include({ status: 200, flags: '00' })
      await eventually(async () => spansOf(slow.traceId).find(({ name }) => name.startsWith('GET')))
      const spans = spansOf(slow.traceId)
      expect(
        spans.some(({ attributes }) => /assets/.test(String(attributes['db.query.text']))),
      ).to.equal(true)
      expect(orphansOf(spans)).to.deep.equal([])
    })

    it('is not what goes well, and not what is refused', async () => {
      const quick = await eventually(async () => {
        const answer = await ask()
        return answer.status === 200 && answer.ms < slowMs / 2 ? answer : undefined
      })
      const refused = await ask('/api/v2/unknown')
      expect(refused.status).to.equal(404)
      await child.stop()
      expect(quick.flags).to.equal('00')
      expect(spansOf(quick.traceId)).to.deep.equal([])
      expect(spansOf(refused.traceId)).to.deep.equal([])
    })
  })

  describe('of jobs', () => {
    it('is what fails, and nothing of what it said', async () => {
      const child = await startChild('worker', {
        ...environment,
        WORKER_PORT: String(await freePort()),
      })
      const run = (name: string) =>
        eventually(async () => {
          const [ended] = await business.db.run(sql<{
            traceId: string
            state: string
            error: string
          }>`
            select trace_id as "traceId", state, error from job_runs
             where name = ${name} and state <> 'active'`)
          return ended
        })
      const failed = await run('refresh-fx-rates')
      const completed = await run('prune-change-log')
      await child.stop()
      expect([failed.state, completed.state]).to.deep.equal(['failed', 'completed'])
      expect(spansOf(completed.traceId)).to.deep.equal([])
      const spans = spansOf(failed.traceId)
      const process = spans.find(({ name }) => name === 'process fx')
      expect(process?.isError).to.equal(true)
      expect(process?.text).to.include('job failed').and.not.to.include(failed.error)
      expect(spans.map(({ name }) => name)).to.include('GET')
      // It was added by a piece of work that went well: that alone is not there.
      expect(orphansOf(spans).map(({ name }) => name)).to.deep.equal(['process fx'])
    }).timeout(60_000)
  })
})
