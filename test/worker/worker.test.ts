import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Client } from 'pg'
import { findRedisBinary, startRedis, type RedisServer } from '../../deploy/laptop/redis.ts'
import { eventually } from '../platform/queue/fixture.ts'
import { startChild, type Child } from '../support/child.ts'
import { startCollector, type Collector } from '../support/collector.ts'
import { createDatabase, freePort } from '../support/servers.ts'

/** What the European Central Bank would say today. */
function ecbDay(): string {
  const today = new Date().toISOString().slice(0, 10)
  return `<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
<gesmes:subject>Reference rates</gesmes:subject>
<gesmes:Sender><gesmes:name>European Central Bank</gesmes:name></gesmes:Sender>
<Cube><Cube time='${today}'>
<Cube currency='USD' rate='1.1562'/><Cube currency='GBP' rate='0.8817'/><Cube currency='JPY' rate='181.31'/>
</Cube></Cube></gesmes:Envelope>`
}

describe('worker process', () => {
  let bank: Server
  let environment: Record<string, string>
  let databaseUrl: string
  let child: Child | undefined
  let collector: Collector | undefined
  let redis: RedisServer | undefined
  let directory: string | undefined

  before(async () => {
    bank = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/xml' }).end(ecbDay())
    })
    bank.listen(0, '127.0.0.1')
    await once(bank, 'listening')
  })

  beforeEach(async () => {
    const address = bank.address()
    const port = typeof address === 'object' ? address?.port : undefined
    databaseUrl = await createDatabase()
    environment = {
      DATABASE_URL: databaseUrl,
      REDIS_URL: '',
      WORKER_PORT: String(await freePort()),
      FX_PROVIDERS: 'ecb',
      FX_ECB_DAILY_URL: `http://127.0.0.1:${port}/daily.xml`,
      FX_ECB_HISTORY_URL: `http://127.0.0.1:${port}/90.xml`,
      FX_ECB_FULL_HISTORY_URL: `http://127.0.0.1:${port}/all.xml`,
    }
  })

  afterEach(async () => {
    await child?.stop()
    child = undefined
    await collector?.close()
    collector = undefined
    await redis?.stop()
    redis = undefined
    if (directory) {
      await rm(directory, { recursive: true, force: true })
      directory = undefined
    }
  })

  after(async () => {
    bank.closeAllConnections()
    bank.close()
    await once(bank, 'close')
  })

  /** Statements from outside, as an operator would make them. */
  async function query<Row extends object>(text: string): Promise<readonly Row[]> {
    const client = new Client({ connectionString: databaseUrl })
    await client.connect()
    try {
      return (await client.query<Row>(text)).rows
    } finally {
      await client.end()
    }
  }

  type Run = {
    name: string
    state: string
    rows_affected: number
    trace_id: string
    error: string | null
  }

  const firstRun = (name = 'refresh-fx-rates') =>
    eventually(async () => {
      const ended = await query<Run>(`select * from job_runs where state <> 'active'`)
      return ended.find((run) => run.name === name)
    })

  async function startOwnRedis(): Promise<string | undefined> {
    const binary = await findRedisBinary(process.env['PATH'] ?? '')
    if (!binary) {
      return undefined
    }
    directory = await mkdtemp(join(tmpdir(), 'tidegate-redis-'))
    redis = await startRedis({ binary, directory, port: await freePort() })
    return redis.url
  }

  it('refreshes the rates at its first start, says that it is healthy, and stops cleanly', async () => {
    child = await startChild('worker', environment)
    const run = await firstRun()
    expect(run).to.include({ state: 'completed', error: null, rows_affected: 3 })
    expect(run.trace_id).to.match(/^[0-9a-f]{32}$/)
    const health = await fetch(`http://127.0.0.1:${environment['WORKER_PORT']}/health`)
    expect(health.status).to.equal(200)
    const report: unknown = await health.json()
    expect(report).to.have.nested.property('services.queue.backend', 'postgres')
    const stopped = await child.stop()
    expect(stopped.code).to.equal(0)
    expect(stopped.ms).to.be.below(20_000)
  })

  it('prunes the change log of the cache', async () => {
    child = await startChild('worker', environment)
    expect(await firstRun('prune-change-log')).to.include({ state: 'completed', error: null })
    const [epoch] = await query<{ floor: string }>('select floor from cache_epoch')
    expect(epoch?.floor).to.match(/^\d+:\d+:/)
  })

  it('closes links whose time is over, and their events belong to the trace of the run', async () => {
    await query(`
      begin;
      set local session_replication_role = replica;
      with harbour as (
        insert into organisations (name, slug, default_currency, settlement_assets)
        values ('Harbour', 'harbour', 'GBP', '{EUR,USD,AUD,JPY}') returning id)
      insert into payment_links (organisation_id, short_code, status, currency, accepted_assets, fx_set_id, expires_at)
      select id, 'lantern', 'open', 'GBP', '{EUR}', uuid_v7(), now() - interval '1 minute' from harbour;
      commit`)
    child = await startChild('worker', environment)
    const run = await firstRun('expire-links')
    expect(run).to.include({ state: 'completed', error: null, rows_affected: 1 })
    const [event] = await query<{ topic: string; trace_parent: string }>(
      'select topic, trace_parent from outbox_events',
    )
    expect(event?.topic).to.equal('payment-link.expired')
    expect(event?.trace_parent).to.match(new RegExp(`^00-${run.trace_id}-`))
  })

  it('stops cleanly when its launcher is gone', async () => {
    child = await startChild('worker', environment)
    const exited = once(child.process, 'exit')
    child.process.disconnect()
    const [code] = await exited
    expect(code).to.equal(0)
  })

  for (const kind of ['redis', 'postgres'] as const) {
    it(`gives its subscribers what is in the outbox, as a part of the trace that wrote it, on ${kind}`, async function () {
      if (kind === 'redis') {
        environment['REDIS_URL'] = (await startOwnRedis()) ?? this.skip()
      }
      child = await startChild('worker', environment)
      const traceId = 'c0ffee00'.repeat(4)
      await query(`
        with tenant as (
          insert into organisations (name, slug, default_currency, settlement_assets)
          values ('Lanterns', 'lanterns', 'GBP', '{EUR,USD,AUD,JPY}') returning id)
        insert into outbox_events (organisation_id, topic, aggregate_id, payload, trace_parent)
        select id, 'payment-link.expired', '01900000-0000-7000-8000-000000000001', '{}',
               '00-${traceId}-00f067aa0ba902b7-01'
          from tenant`)
      // the number of its rows is written after the COMMIT of its effect
      const run = await eventually(async () => {
        const found = await firstRun('record-expiry')
        return found.rows_affected === 1 ? found : undefined
      })
      expect(run).to.include({ state: 'completed', error: null, trace_id: traceId })
      const activity = await query('select action, api_key_id, subject_id from activity_log')
      expect(activity).to.deep.equal([
        {
          action: 'payment-link.expired',
          api_key_id: null,
          subject_id: '01900000-0000-7000-8000-000000000001',
        },
      ])
      const [delivery] = await query<{ outcome: string }>('select outcome from event_deliveries')
      expect(delivery?.outcome).to.equal('done')
    })

    it(`traces a refresh from the scheduler to the SQL, without a value in it, on ${kind}`, async function () {
      if (kind === 'redis') {
        environment['REDIS_URL'] = (await startOwnRedis()) ?? this.skip()
      }
      collector = await startCollector()
      child = await startChild('worker', {
        ...environment,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      })
      const run = await firstRun()
      await child.stop()
      const spans = collector.spans.filter(({ traceId }) => traceId === run.trace_id)
      const byId = new Map(spans.map((span) => [span.spanId, span]))
      const added = spans.find(({ name }) => name === 'add fx.refresh-fx-rates')
      const processed = spans.find(({ name }) => name === 'process fx')
      expect(processed?.parentSpanId).to.equal(added?.spanId)
      expect(added?.service).to.equal('tidegate-worker')
      const isBelowProcess = (id: string | undefined): boolean =>
        id !== undefined && (id === processed?.spanId || isBelowProcess(byId.get(id)?.parentSpanId))
      const statements = spans.filter(
        ({ name, parentSpanId }) => name.startsWith('pg.query') && isBelowProcess(parentSpanId),
      )
      const texts = statements.map(({ attributes }) => String(attributes['db.query.text']))
      expect(texts.join('\n'))
        .to.match(/insert into job_runs/i)
        .and.match(/fx_rates/i)
      expect(texts.join('\n'))
        .not.to.match(/'[^']/)
        .and.not.to.match(/1\.1562|181\.31/)
      const everything = JSON.stringify(collector.spans)
      expect(everything).not.to.include('moveStalledJobsToWait')
      expect(everything).not.to.include('startStalledCheckTimer')
    })
  }

  it('works and stops in time although nobody listens at the collector', async () => {
    const port = await freePort()
    child = await startChild('worker', {
      ...environment,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    })
    expect((await firstRun()).state).to.equal('completed')
    const stopped = await child.stop()
    expect(stopped.code).to.equal(0)
    expect(stopped.ms).to.be.below(20_000)
  })

  it('stops in time although redis is gone', async function () {
    environment['REDIS_URL'] = (await startOwnRedis()) ?? this.skip()
    child = await startChild('worker', environment)
    await firstRun()
    await redis?.stop()
    redis = undefined
    const stopped = await child.stop()
    expect(stopped.ms).to.be.below(20_000)
  })
}).timeout(60_000)
