import type { RequestListener } from 'node:http'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { sql } from 'kysely'
import { findRates, type Fx } from '#fx'
import { createLog } from '#platform/log'
import { runJob, type FindJob } from '#platform/queue/run-job'
import { systemRandom } from '#platform/random'
import { refreshFxRates } from '../../worker/jobs/refresh-fx-rates.ts'
import { countStatements, fxOptions, openWorld, recorded, xml, type World } from '../fx/world.ts'

const friday = recorded('ecb/eurofxref-daily.2025-05-09.xml')
const monday = (change: (text: string) => string = (text) => text): RequestListener =>
  xml(change(friday.replace('2025-05-09', '2025-05-12')))

const status =
  (code: number, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) =>
    response.writeHead(code, headers).end()

const body =
  (headers: Record<string, string>, content: Buffer | string): RequestListener =>
  (_request, response) =>
    response.writeHead(200, { 'content-type': 'text/xml', ...headers }).end(content)

const dripping: RequestListener = (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/xml' })
  const timer = setInterval(() => response.write('<'), 20)
  response.on('close', () => clearInterval(timer))
}

const rateOf = (of: string, to: string) => monday((text) => text.replace(of, to))

type Case = {
  readonly of: string
  readonly answer?: RequestListener
  /** Where the publisher is, when it is not the one of the test. */
  readonly at?: (world: World) => Fx
  readonly error: RegExp
  readonly calls?: number
}

const unreachable = (resolve: () => Promise<readonly string[]>) => (world: World) =>
  world.fxWith({ sources: fxOptions('https://rates.example').sources }, { resolve })

/** FAULTS.md, "FX provider": every row, and every fault that a row names and that one publisher alone can commit. F4, F7 and
 *  F8 have tests of their own below, since more than one run or publisher belongs to them. */
const faults: Readonly<Record<string, readonly Case[]>> = {
  F1: [
    {
      of: 'a refused connection',
      at: (world) => world.fxWith({ sources: fxOptions('http://127.0.0.1:1').sources }),
      error: /ECONNREFUSED/,
      calls: 0,
    },
    {
      of: 'a name that does not resolve',
      at: unreachable(() =>
        Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })),
      ),
      error: /ENOTFOUND/,
      calls: 0,
    },
    { of: '500', answer: status(500), error: /answered 500/, calls: 3 },
  ],
  F2: [
    { of: 'no answer', answer: () => {}, error: /did not answer in time/ },
    { of: 'one byte at a time', answer: dripping, error: /given up on/ },
    {
      of: 'a body without end',
      answer: body({}, Buffer.alloc(400_000, ' ')),
      error: /larger than/,
    },
    {
      of: 'a gzip bomb',
      answer: body({ 'content-encoding': 'gzip' }, gzipSync(Buffer.alloc(50_000_000))),
      error: /larger than/,
    },
    {
      of: 'layered encodings',
      answer: body({ 'content-encoding': 'gzip, gzip' }, gzipSync(gzipSync(friday))),
      error: /encoding/,
    },
  ],
  F3: [
    {
      of: 'HTML',
      answer: body({ 'content-type': 'text/html' }, '<html></html>'),
      error: /text\/html/,
    },
    {
      of: 'half a document',
      answer: monday((text) => text.slice(0, 900)),
      error: /not well-formed/,
    },
    { of: 'another document', answer: xml('<a/>'), error: /not a list/ },
    { of: 'a currency twice', answer: rateOf("'JPY'", "'USD'"), error: /stands twice/ },
    { of: 'NaN', answer: rateOf('163.36', 'NaN'), error: /"NaN"/ },
    { of: '1e999', answer: rateOf('163.36', '1e999'), error: /"1e999"/ },
  ],
  F5: [
    {
      of: 'currencies that nobody knows',
      answer: monday((text) => text.replace(/currency='[A-Z]/g, "currency='Q")),
      error: /assets are missing/,
    },
    {
      of: 'another base',
      answer: monday((text) =>
        text.replace(
          /rate='([\d.]+)'/g,
          (_, rate: string) => `rate='${(Number(rate) / 163.36).toFixed(8)}'`,
        ),
      ),
      error: /not believable/,
    },
  ],
  F6: [
    { of: 'zero', answer: rateOf('163.36', '0'), error: /not between 0/ },
    { of: 'a negative rate', answer: rateOf('163.36', '-163.36'), error: /"-163.36"/ },
    {
      of: 'rates inverted',
      answer: monday((text) =>
        text.replace(
          /rate='([\d.]+)'/g,
          (_, rate: string) => `rate='${(1 / Number(rate)).toFixed(9)}'`,
        ),
      ),
      error: /not believable/,
    },
    {
      of: 'rates a hundred times too large',
      answer: monday((text) =>
        text.replace(/rate='([\d.]+)'/g, (_, rate: string) => `rate='${Number(rate) * 100}'`),
      ),
      error: /not believable/,
    },
    {
      of: 'a date in the future',
      answer: xml(friday.replace('2025-05-09', '2025-05-16')),
      error: /in the future/,
    },
    {
      of: 'a date long past',
      answer: xml(friday.replace('2025-05-09', '2025-04-01')),
      error: /newest rates are of/,
    },
  ],
  F9: [
    {
      of: 'a redirect into the cloud',
      answer: status(302, { location: 'http://169.254.169.254/' }),
      error: /redirects/,
    },
    {
      of: 'a name that has come to mean the cloud',
      at: unreachable(async () => ['169.254.169.254']),
      error: /does not resolve to a public address/,
      calls: 0,
    },
    {
      of: 'a name of this network',
      at: unreachable(async () => ['10.0.0.1', '192.168.0.1']),
      error: /does not resolve to a public address/,
      calls: 0,
    },
  ],
}

describe('the refresh of rates, of a publisher that misbehaves', () => {
  let world: World
  let organisationId: string
  const log = createLog('test', 'silent')
  const enqueued: unknown[] = []
  let runs = 0

  before(async () => {
    world = await openWorld('2025-05-12T17:30:00Z')
    const [row] = await world.db.run(sql<{ id: string }>`
      insert into organisations (name, slug, default_currency, settlement_assets)
      values ('Gifts', 'gifts', 'GBP', array['EUR', 'USD', 'AUD', 'JPY']) returning id`)
    organisationId = row?.id ?? ''
  })
  beforeEach(async () => {
    await world.reset()
    world.clock.set('2025-05-09T17:30:00Z')
    world.publisher.answer = xml(friday)
    await work(world.fx)
    world.clock.set('2025-05-12T17:30:00Z')
    world.publisher.calls = 0
    enqueued.length = 0
  })
  after(() => world.close())

  /** Runs the job as a worker does, and says what is recorded of it. */
  async function work(
    fx: Fx,
  ): Promise<{ state: string; error: string | null; rows: number | null }> {
    runs += 1
    const id = `run-${runs}`
    const queues = {
      enqueue: async (_job: unknown, payload: unknown) => (enqueued.push(payload), 'id'),
    }
    const slice = { db: fx.db, clock: world.clock, random: systemRandom, log, fx, queues }
    const queued = {
      id,
      name: refreshFxRates.name,
      data: {},
      attemptsStarted: 1,
      attemptsMade: 0,
      opts: { attempts: 1 },
      moveToWait: async () => undefined,
      moveToDelayed: async () => undefined,
    }
    const cancelled = new AbortController().signal
    const delivery = { queue: 'fx', queued, token: undefined, cancelled }
    const findJob: FindJob<typeof slice> = () => refreshFxRates
    await runJob(slice, findJob, delivery).catch(() => undefined)
    const [run] = await world.db.run(sql<{
      state: string
      error: string | null
      rows: number | null
    }>`
      select state, error, rows_affected as rows from job_runs where bull_id = ${id}`)
    return run ?? { state: 'none', error: null, rows: null }
  }

  const read = () =>
    findRates(world, {
      base: 'GBP',
      quotes: ['JPY'],
      providers: ['ecb'],
      at: world.clock.now(),
    })

  it('has every row of the table', () => {
    expect([...Object.keys(faults), 'F4', 'F7', 'F8'].toSorted()).to.deep.equal(
      Array.from({ length: 9 }, (_, index) => `F${index + 1}`),
    )
  })

  for (const [row, cases] of Object.entries(faults)) {
    for (const { of, answer, at, error, calls = 1 } of cases) {
      it(`${row}, ${of}: the run fails and says why, the last good rates serve with their age, the next run heals it`, async () => {
        const before = await world.rates()
        world.publisher.answer = answer ?? status(500)
        const beganMs = performance.now()
        const run = await work(at?.(world) ?? world.fxWith())
        expect(performance.now() - beganMs).to.be.below(10_000)
        expect(run.state).to.equal('failed')
        expect(run.error).to.match(error)
        expect(world.publisher.calls).to.equal(calls)
        expect(await world.rates()).to.deep.equal(before)
        const [rate] = await read()
        expect(rate).to.include({ asOf: '2025-05-09T00:00:00Z', isStale: false })
        expect(rate?.stalenessSeconds).to.be.within(322_200, 322_260)
        world.clock.set('2025-05-12T17:36:00Z')
        world.publisher.answer = monday()
        expect(await work(world.fx)).to.include({ state: 'completed', rows: 30 })
        const [newer] = await read()
        expect(newer?.asOf).to.equal('2025-05-12T00:00:00Z')
      })
    }
  }

  it('F1, away for two weeks: the last good rate serves, stale, with its age', async () => {
    world.publisher.answer = status(503)
    world.clock.set('2025-05-26T12:00:00Z')
    expect((await work(world.fxWith())).state).to.equal('failed')
    const [rate] = await read()
    expect(rate).to.include({ isStale: true, asOf: '2025-05-09T00:00:00Z' })
    expect(rate?.stalenessSeconds).to.be.within(1_512_000, 1_512_060)
  })

  it('F4, a part of the currencies: stores these, keeps the others, and asks the next publisher for them', async () => {
    const partial = monday((text) => text.replace(/\s*<Cube currency='JPY'[^>]*>/, ''))
    const asked: string[] = []
    world.publisher.answer = (request, response) => {
      asked.push(request.url ?? '')
      ;(request.url === '/daily.xml' ? partial : status(404))(request, response)
    }
    const run = await work(world.fxWith({ providers: ['ecb', 'currency-api'] }))
    expect(run).to.include({ state: 'completed', rows: 29 })
    // those of Friday are young enough to be frozen
    expect(asked).to.deep.equal(['/daily.xml'])
    const [rate] = await read()
    expect(rate?.asOf).to.equal('2025-05-09T00:00:00Z')
    expect((await world.batches()).at(-1)?.['error']).to.match(/previous rates kept: JPY/)
  })

  it('F6, one rate that is wrong: it is set aside with its reason, the others are stored', async () => {
    world.publisher.answer = rateOf('163.36', '16336')
    expect(await work(world.fx)).to.include({ state: 'completed', rows: 29 })
    const [aside] = (await world.rates()).filter(({ excluded }) => excluded === true)
    expect(aside).to.include({ quote: 'JPY', rate: '16336' })
    expect(aside?.['reason']).to.match(/is 100 times the last good rate/)
    expect((await read())[0]?.asOf).to.equal('2025-05-09T00:00:00Z')
  })

  it('F7, 429 with Retry-After: no process asks again before it is over', async () => {
    world.publisher.answer = status(429, { 'retry-after': '1800' })
    expect((await work(world.fxWith())).error).to.match(/answered 429/)
    for (const minute of ['36', '42', '48', '54']) {
      world.clock.set(`2025-05-12T17:${minute}:00Z`)
      expect((await work(world.fxWith())).error).to.match(/asked for a pause/)
    }
    expect(world.publisher.calls).to.equal(1)
    world.clock.set('2025-05-12T18:01:00Z')
    world.publisher.answer = monday()
    expect((await work(world.fxWith())).state).to.equal('completed')
  })

  it('F8, ten workers at once: one call, and each rate once', async () => {
    world.publisher.answer = (request, response) =>
      void setTimeout(() => monday()(request, response), 50)
    const done = await Promise.all(Array.from({ length: 10 }, () => work(world.fxWith())))
    expect(done.map(({ state }) => state)).to.deep.equal(Array(10).fill('completed'))
    expect(world.publisher.calls).to.equal(1)
    expect(await world.rates()).to.have.length(60)
    const [twice] = await world.db.run(sql`
      select 1 from fx_rates group by provider, base_asset, quote_asset, as_of having count(*) > 1`)
    expect(twice).to.equal(undefined)
  })

  it('costs one call and three statements, for the four assets of one organisation as for the thirty of eight', async () => {
    const assets = [...friday.matchAll(/currency='([A-Z]{3})'/g)].map(([, code = '']) => code)
    for (let index = 0; index < 7; index += 1) {
      await world.db.run(sql`
        insert into organisations (name, slug, default_currency, settlement_assets)
        values ('More', ${`more-${index}`}, 'EUR', ${assets.slice(index * 4, index * 4 + 4)}::text[])`)
    }
    world.publisher.answer = monday()
    const { fx, statements } = countStatements(world.fxWith())
    const queues = { enqueue: async () => 'id' }
    const run = { signal: new AbortController().signal } as never
    // oxlint-disable-next-line typescript/no-unsafe-argument -- a run of which the job uses the signal alone
    await refreshFxRates.run({ db: fx.db, fx, queues }, {}, run)
    await world.db.run(sql`delete from organisations where id <> ${organisationId}`)
    expect(world.publisher.calls).to.equal(1)
    // beside: the look for a gap, once for each new publication
    expect(statements).to.have.length(4)
  })

  it('has history fetched where none is, and not for the demo', async () => {
    world.publisher.answer = monday()
    await work(world.fxWith())
    expect(enqueued).to.deep.equal([{ reach: 'full' }])
    await world.db.run(sql`delete from fx_rates`)
    await world.db.run(sql`delete from fx_batches`)
    await work(world.fxWith({ providers: ['ecb', 'demo-replay'] }))
    expect(enqueued).to.have.length(1)
  })
})
