import { once } from 'node:events'
import { createServer } from 'node:net'
import type { RequestListener } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { refreshRates } from '#fx'
import { freePort } from '../support/servers.ts'
import { fxOptions, json, openWorld, recorded, xml, type World } from './world.ts'

const day = recorded('ecb/eurofxref-daily.2025-05-09.xml')
const tokens = recorded('currency-api/eur.2026.9.29.json')
const oxr = recorded('open-exchange-rates/latest.json')

/** The same document, a working day later, with what the test changes. */
const nextDay = (change: (text: string) => string): string =>
  change(day.replace('2025-05-09', '2025-05-12'))

const headers =
  (extra: Record<string, string>, body: Buffer | string): RequestListener =>
  (_request, response) =>
    response.writeHead(200, { 'content-type': 'text/xml', ...extra }).end(body)

/** Sends for ever, as fast as the reader takes it. */
const endless: RequestListener = (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/xml' })
  const chunk = Buffer.alloc(64 * 1024, ' ')
  const spaces = Readable.from(Array.from({ length: 100_000 }, () => chunk))
  pipeline(spaces, response, () => {})
}

const dripping: RequestListener = (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/xml' })
  response.flushHeaders()
  const timer = setInterval(() => response.write('<'), 20)
  response.on('close', () => clearInterval(timer))
}

describe('fx providers: a publisher that misbehaves', () => {
  let world: World
  before(async () => {
    world = await openWorld('2025-05-12T15:30:00Z')
  })
  beforeEach(async () => {
    await world.reset()
    world.publisher.answer = xml(day)
    await refreshRates(world.fx)
    world.publisher.calls = 0
  })
  after(() => world.close())

  type Case = {
    readonly of: string
    readonly answer: RequestListener
    readonly status: 'failed' | 'rejected'
    readonly error: RegExp
    /** Requests that reach the publisher; one when left out. */
    readonly calls?: number
  }

  const cases: readonly Case[] = [
    // F1
    {
      of: '503 three times',
      answer: (_, r) => void r.writeHead(503).end(),
      status: 'failed',
      error: /answered 503/,
      calls: 3,
    },
    {
      of: 'a connection that breaks three times',
      answer: (_, r) => void r.destroy(),
      status: 'failed',
      error: /ECONNRESET/,
      calls: 3,
    },
    {
      of: '404',
      answer: (_, r) => void r.writeHead(404).end(),
      status: 'failed',
      error: /answered 404/,
    },
    // F2
    { of: 'no answer at all', answer: () => {}, status: 'failed', error: /did not answer in time/ },
    { of: 'one byte at a time', answer: dripping, status: 'failed', error: /given up on/ },
    {
      of: 'a body without end',
      answer: endless,
      status: 'failed',
      error: /larger than 262144 bytes/,
    },
    {
      of: 'a gzip bomb',
      answer: headers({ 'content-encoding': 'gzip' }, gzipSync(Buffer.alloc(100 * 1024 * 1024))),
      status: 'failed',
      error: /larger than 262144 bytes/,
    },
    {
      of: 'layered encodings',
      answer: headers({ 'content-encoding': 'gzip, gzip' }, gzipSync(gzipSync(day))),
      status: 'failed',
      error: /encoding/,
    },
    {
      of: 'an encoding that was not asked for',
      answer: headers({ 'content-encoding': 'deflate' }, day),
      status: 'failed',
      error: /encoding/,
    },
    {
      of: 'broken gzip',
      answer: headers({ 'content-encoding': 'gzip' }, day),
      status: 'failed',
      error: /Z_DATA_ERROR/,
    },
    {
      of: 'bytes that are not UTF-8',
      answer: headers({}, Buffer.from([0x3c, 0xff, 0xfe])),
      status: 'failed',
      error: /not UTF-8/,
    },
    // F3
    {
      of: 'a page in HTML',
      answer: headers({ 'content-type': 'text/html; charset=utf-8' }, '<html></html>'),
      status: 'failed',
      error: /answered text\/html/,
    },
    {
      of: 'a page in HTML that says it is XML',
      answer: xml('<html><body>Sorry</body></html>'),
      status: 'rejected',
      error: /not a list of reference rates/,
    },
    {
      of: 'half a document',
      answer: xml(nextDay((text) => text.slice(0, 900))),
      status: 'rejected',
      error: /not well-formed/,
    },
    { of: 'nothing', answer: xml(''), status: 'rejected', error: /not/ },
    {
      of: 'an entity bomb',
      answer: xml(`<!DOCTYPE a [<!ENTITY b "${'x'.repeat(99)}">]>${day}`),
      status: 'rejected',
      error: /declares more/,
    },
    {
      of: 'a currency twice',
      answer: xml(nextDay((text) => text.replace("'JPY'", "'USD'"))),
      status: 'rejected',
      error: /USD stands twice/,
    },
    {
      of: 'NaN',
      answer: xml(nextDay((text) => text.replace('163.36', 'NaN'))),
      status: 'rejected',
      error: /"NaN" is not a rate/,
    },
    {
      of: '1e999',
      answer: xml(nextDay((text) => text.replace('163.36', '1e999'))),
      status: 'rejected',
      error: /"1e999" is not a rate/,
    },
    {
      of: 'a comma for a point',
      answer: xml(nextDay((text) => text.replace('163.36', '163,36'))),
      status: 'rejected',
      error: /"163,36" is not a rate/,
    },
    {
      of: 'a rate beyond 10^12',
      answer: xml(nextDay((text) => text.replace('163.36', '1e12'))),
      status: 'rejected',
      error: /not between/,
    },
    // F5
    {
      of: 'no currency that we know',
      answer: xml(
        nextDay((text) =>
          text.replace(/<Cube currency[^]*'\/>/, "<Cube currency='QQQ' rate='1'/>"),
        ),
      ),
      status: 'rejected',
      error: /not of distinct assets that we know/,
    },
    // F6
    {
      of: 'a zero',
      answer: xml(nextDay((text) => text.replace('163.36', '0'))),
      status: 'rejected',
      error: /not between 0/,
    },
    {
      of: 'a negative rate',
      answer: xml(nextDay((text) => text.replace('163.36', '-163.36'))),
      status: 'rejected',
      error: /"-163.36" is not a rate/,
    },
    {
      of: 'every rate a hundred times too large',
      answer: xml(
        nextDay((text) =>
          text.replace(/rate='([\d.]+)'/g, (_, rate: string) => `rate='${Number(rate) * 100}'`),
        ),
      ),
      status: 'rejected',
      error: /30 of 30 rates are not believable/,
    },
    {
      of: 'every rate inverted',
      answer: xml(
        nextDay((text) =>
          text.replace(
            /rate='([\d.]+)'/g,
            (_, rate: string) => `rate='${(1 / Number(rate)).toFixed(9)}'`,
          ),
        ),
      ),
      status: 'rejected',
      error: /rates are not believable/,
    },
    {
      of: 'a date in the future',
      answer: xml(day.replace('2025-05-09', '2025-05-14')),
      status: 'rejected',
      error: /in the future/,
    },
    {
      of: 'a date two weeks ago',
      answer: xml(day.replace('2025-05-09', '2025-04-28')),
      status: 'rejected',
      error: /newest rates are of 2025-04-28/,
    },
    {
      of: 'a date that does not exist',
      answer: xml(day.replace('2025-05-09', '2025-02-30')),
      status: 'rejected',
      error: /"2025-02-30" is not a date/,
    },
    {
      of: 'two days where one is due',
      answer: xml(
        day.replace(/(<Cube time[^]*?<\/Cube>)/, (one) => one + one.replace('05-09', '05-12')),
      ),
      status: 'rejected',
      error: /has 2 days/,
    },
    // F7
    {
      of: '429 with a long Retry-After',
      answer: (_, r) => void r.writeHead(429, { 'retry-after': '3600' }).end(),
      status: 'failed',
      error: /answered 429/,
    },
    {
      of: '429 without Retry-After',
      answer: (_, r) => void r.writeHead(429).end(),
      status: 'failed',
      error: /answered 429/,
      calls: 3,
    },
    // F9
    {
      of: 'a redirect into the cloud',
      answer: (_, r) =>
        void r.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end(),
      status: 'failed',
      error: /redirects/,
    },
  ]

  for (const { of, answer, status, error, calls = 1 } of cases) {
    it(`answers ${of}: ${status}, nothing written, the previous rates kept`, async () => {
      const previous = await world.rates()
      world.publisher.answer = answer
      const startedMs = performance.now()
      const [result] = await refreshRates(world.fxWith())
      expect(performance.now() - startedMs).to.be.below(1_500)
      expect(result).to.include({ status, stored: 0, excluded: 0, httpCalls: calls })
      expect(world.publisher.calls).to.equal(calls)
      expect(await world.rates()).to.deep.equal(previous)
      const batch = (await world.batches()).at(-1)
      expect(batch).to.include({ status, http_calls: calls, rates_stored: 0 })
      expect(batch?.['error']).to.match(error)
    })
  }

  it('refuses the connection: three attempts, a failed batch', async () => {
    const origin = `http://127.0.0.1:${await freePort()}`
    const [result] = await refreshRates(world.fxWith({ sources: fxOptions(origin).sources }))
    expect(result).to.include({ status: 'failed', httpCalls: 3 })
    expect(result?.error).to.match(/ECONNREFUSED/)
  })

  it('accepts the connection and never shakes hands: given up within the connect limit', async () => {
    const port = await freePort()
    const silent = createServer(() => {}).listen(port, '127.0.0.1')
    await once(silent, 'listening')
    const host = `localhost:${port}`
    const sources = fxOptions(`https://${host}`).sources
    const [result] = await refreshRates(
      world.fxWith({ sources }, { resolve: async () => ['127.0.0.1'] }),
    )
    silent.close()
    expect(result).to.include({ status: 'failed', httpCalls: 1 })
    expect(result?.error).to.match(/did not accept a connection in time/)
  })

  it('keeps memory bounded under an endless body', async () => {
    world.publisher.answer = endless
    const before = process.memoryUsage().rss
    for (let round = 0; round < 5; round += 1) {
      await refreshRates(world.fxWith())
    }
    expect(process.memoryUsage().rss - before).to.be.below(64 * 1024 * 1024)
  })

  it('reads a brotli answer, which was offered', async () => {
    const body = brotliCompressSync(nextDay((text) => text))
    world.publisher.answer = headers({ 'content-encoding': 'br' }, body)
    expect(await refreshRates(world.fxWith())).to.have.nested.property('[0].stored', 30)
  })

  it('heals after one 503, in two calls', async () => {
    world.publisher.answer = (request, response) => {
      const isFirst = world.publisher.calls === 1
      const answer: RequestListener = isFirst
        ? (_, r) => r.writeHead(503).end()
        : xml(nextDay((t) => t))
      answer(request, response)
    }
    const [result] = await refreshRates(world.fxWith())
    expect(result).to.include({ stored: 30, httpCalls: 2 })
  })

  it('leaves a publisher alone that asked for it, without a further call', async () => {
    world.publisher.answer = (_, response) =>
      void response.writeHead(429, { 'retry-after': '3600' }).end()
    const fx = world.fxWith()
    await refreshRates(fx)
    const [second] = await refreshRates(fx)
    expect(second).to.include({ status: 'failed', httpCalls: 0 })
    expect(second?.error).to.match(/asked for a pause/)
    expect(world.publisher.calls).to.equal(1)
  })

  for (const [of, text, error] of [
    ['a name twice', tokens.replace('"ada":', '"aed":'), /"aed" stands twice/],
    ['numbers as strings', tokens.replace(/"aed": ([\d.]+)/, '"aed": "$1"'), /not a list of rates/],
    ['null for a rate', tokens.replace(/"aed": [\d.]+/, '"aed": null'), /not a list of rates/],
    ['NaN', tokens.replace(/"aed": [\d.]+/, '"aed": NaN'), /not JSON/],
    ['1e999', tokens.replace(/"aed": [\d.]+/, '"aed": 1e999'), /"1e999" is not a rate/],
    ['half a document', tokens.slice(0, 3000), /not JSON/],
    [
      'a document of another base',
      tokens.replace('"eur": {', '"usd": {'),
      /not a list of rates per EUR/,
    ],
    ['a base that is not 1', tokens.replace('"eur": 1,', '"eur": 1.1361,'), /its base is another/],
    ['a list', '[]', /not a list of rates per EUR/],
    ['a hundred thousand brackets', '['.repeat(100_000), /more than 8 levels/],
  ] as const) {
    it(`answers in JSON with ${of}: rejected, nothing written`, async () => {
      expect(text).to.not.equal(tokens)
      world.clock.set('2026-09-29T09:00:00Z')
      const previous = await world.rates()
      world.publisher.answer = json(text)
      const [result] = await refreshRates(world.fxWith({ providers: ['currency-api'] }))
      expect(result).to.include({ status: 'rejected', stored: 0, httpCalls: 1 })
      expect(result?.error).to.match(error)
      expect(await world.rates()).to.deep.equal(previous)
    })
  }

  for (const [of, text, error] of [
    ['another base', oxr.replace('"base": "USD"', '"base": "EUR"'), /not per USD/],
    ['a dollar that is not 1', oxr.replace('"USD": 1', '"USD": 1.1'), /not per USD/],
    ['a timestamp in milliseconds', oxr.replace('1790640000', '1790640000000'), /not in seconds/],
    ['rates in a list', oxr.replace(/"rates": \{[^}]*\}/, '"rates": []'), /not a list of rates/],
  ] as const) {
    it(`answers in the keyed form with ${of}: rejected`, async () => {
      expect(text).to.not.equal(oxr)
      world.clock.set('2026-09-29T09:00:00Z')
      world.publisher.answer = json(text)
      const [result] = await refreshRates(world.fxWith({ providers: ['open-exchange-rates'] }))
      expect(result).to.include({ status: 'rejected', stored: 0 })
      expect(result?.error).to.match(error)
    })
  }
})
