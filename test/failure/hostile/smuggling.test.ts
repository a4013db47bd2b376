import { expect } from 'chai'
import { pino } from 'pino'
import { openHarbour, type Harbour } from '../../support/harbour.ts'
import { exchangeRaw, statusesIn } from '../../support/raw-socket.ts'

// H4: requests that two parsers would read differently, and heads that are too long. Each shape hides a second request, with
// a valid credential; what the API logs shows that it never became one.

const limits = { headersTimeout: 400, requestTimeout: 600, connectionsCheckingInterval: 50 }
const target = '/api/v2/payment-links'

/** What stands between the request line with its Host and the hidden request. */
const shapes: readonly (readonly [name: string, head: string, before?: string])[] = [
  ['CL.TE', 'Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n', '0\r\n\r\n'],
  ['TE.CL', 'Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n', '0\r\n\r\n'],
  ['two lengths', 'Content-Length: 0\r\nContent-Length: 200\r\n\r\n'],
  ['two equal lengths', 'Content-Length: 0\r\nContent-Length: 0\r\n\r\n'],
  ['a list of lengths', 'Content-Length: 0, 0\r\n\r\n'],
  ['a signed length', 'Content-Length: +0\r\n\r\n'],
  ['a negative length', 'Content-Length: -1\r\n\r\n'],
  ['a hexadecimal length', 'Content-Length: 0x0\r\n\r\n'],
  ['a length of 30 digits', `Content-Length: ${'9'.repeat(30)}\r\n\r\n`],
  ['a length with a space in it', 'Content-Length: 0 0\r\n\r\n'],
  ['a space before the colon', 'Content-Length : 0\r\n\r\n'],
  ['a space before the colon of TE', 'Transfer-Encoding : chunked\r\n\r\n', '0\r\n\r\n'],
  ['a folded length', 'Content-Length:\r\n 0\r\n\r\n'],
  ['a folded header', 'X: a\r\n Content-Length: 0\r\n\r\n'],
  ['a header line that begins with a space', ' Content-Length: 0\r\n\r\n'],
  ['bare LF between headers', 'X: 1\nContent-Length: 0\r\n\r\n'],
  ['bare LF at the end of the head', 'Content-Length: 0\n\n'],
  ['bare CR in a value', 'X: 1\rContent-Length: 0\r\n\r\n'],
  ['NUL in a value', 'X: a\0b\r\nContent-Length: 0\r\n\r\n'],
  ['NUL in a name', 'X\0: a\r\nContent-Length: 0\r\n\r\n'],
  ['xchunked', 'Transfer-Encoding: xchunked\r\n\r\n', '0\r\n\r\n'],
  ['chunked and not last', 'Transfer-Encoding: chunked, identity\r\n\r\n', '0\r\n\r\n'],
  [
    'two codings',
    'Transfer-Encoding: identity\r\nTransfer-Encoding: chunkedx\r\n\r\n',
    '0\r\n\r\n',
  ],
  ['a tab for a name', '\tTransfer-Encoding: chunked\r\n\r\n', '0\r\n\r\n'],
  ['vertical tab', 'Transfer-Encoding:\x0bchunked\r\n\r\n', '0\r\n\r\n'],
  ['a quoted coding', 'Transfer-Encoding: "chunked"\r\n\r\n', '0\r\n\r\n'],
  ['a chunk size that is none', 'Transfer-Encoding: chunked\r\n\r\n', '0x0\r\n\r\n'],
  ['a chunk size with a space', 'Transfer-Encoding: chunked\r\n\r\n', ' 0\r\n\r\n'],
  ['a negative chunk', 'Transfer-Encoding: chunked\r\n\r\n', '-1\r\n\r\n'],
  [
    'a chunk size that overflows',
    'Transfer-Encoding: chunked\r\n\r\n',
    '10000000000000000\r\n\r\n',
  ],
  ['a chunk longer than it says', 'Transfer-Encoding: chunked\r\n\r\n', '1\r\nabc\r\n0\r\n\r\n'],
  ['bare LF after a chunk size', 'Transfer-Encoding: chunked\r\n\r\n', '0\n\n'],
  ['bare LF in a chunk extension', 'Transfer-Encoding: chunked\r\n\r\n', '2;\n00\r\n0\r\n\r\n'],
  ['NUL in a chunk extension', 'Transfer-Encoding: chunked\r\n\r\n', '0;\0\r\n\r\n'],
  [
    'chunk extensions of 20 kB',
    'Transfer-Encoding: chunked\r\n\r\n',
    `0;${'x'.repeat(20_000)}\r\n\r\n`,
  ],
  ['a name with a space in it', 'Content Length: 0\r\n\r\n'],
  ['a line without colon', 'Content-Length\r\n\r\n'],
  ['no name', ': 0\r\n\r\n'],
  ['a second Host', 'Host: b\r\nContent-Length: 0\r\n\r\n'],
  ['2,000 headers', `${'a:b\r\n'.repeat(2_000)}\r\n`],
  ['101 headers', `${'a:b\r\n'.repeat(101)}\r\n`],
  ['a header of 20 kB', `X: ${'x'.repeat(20_000)}\r\n\r\n`],
  ['a name of 20 kB', `${'x'.repeat(20_000)}: 1\r\n\r\n`],
]

/** First lines that are none; their Host follows. */
const lines: readonly string[] = [
  'GET /api/v2/me HTTP/1.1 HTTP/1.1',
  'GET /api/v2/me',
  'GET /api/v2/me HTTP/9.9',
  'GET /api/v2/me HTTP/0.9',
  'GET\t/api/v2/me\tHTTP/1.1',
  'GET /api/v2/\0me HTTP/1.1',
  'GET /api/v2/m\x7fe HTTP/1.1',
  'GET me HTTP/1.1',
  'get /api/v2/me HTTP/1.1',
  ' GET /api/v2/me HTTP/1.1',
  'PRI * HTTP/2.0',
  'CONNECT localhost:22 HTTP/1.1',
  `GET /${'x'.repeat(20_000)} HTTP/1.1`,
]

describe('an API that is sent what two parsers read differently', () => {
  let harbour: Harbour
  const routes: unknown[] = []
  before(async () => {
    const write = (line: string): void => void routes.push(JSON.parse(line).route)
    harbour = await openHarbour({ clientLimits: limits, log: pino({ level: 'debug' }, { write }) })
  })
  after(() => harbour.business.lifecycle.stop())
  beforeEach(() => void routes.splice(0))

  const hidden = () =>
    `GET /api/v2/me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${harbour.tenant.secretKey}\r\nConnection: close\r\n\r\n`

  async function expectRefused(bytes: string): Promise<void> {
    const answer = await exchangeRaw(harbour.api.origin, bytes)
    for (const status of statusesIn(answer)) {
      expect(status, answer.slice(0, 500)).to.be.oneOf([400, 401, 404, 408, 431])
    }
    expect(routes).not.to.include('/api/v2/me')
    expect(answer).not.to.include(harbour.tenant.organisationId)
  }

  it('sees the hidden request where nothing is wrong', async () => {
    const answer = await exchangeRaw(
      harbour.api.origin,
      `POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n${hidden()}`,
    )
    expect(statusesIn(answer)).to.include(200)
    expect(routes).to.include('/api/v2/me')
  })

  for (const [name, head, before = ''] of shapes) {
    it(`refuses ${name}, hangs up, and never answers what is hidden behind`, () =>
      expectRefused(`POST ${target} HTTP/1.1\r\nHost: a\r\n${head}${before}${hidden()}`))
  }

  it('refuses the Transfer-Encoding of HTTP/1.0', () =>
    expectRefused(
      `POST ${target} HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden()}`,
    ))

  for (const line of lines) {
    it(`refuses the line ${JSON.stringify(line.slice(0, 40))}`, () =>
      expectRefused(`${line}\r\nHost: a\r\n\r\n${hidden()}`))
  }

  it('answers normally afterwards', async () => {
    const { tenant, api } = harbour
    expect((await api.call('GET', '/api/v2/me', { as: tenant.secretKey })).status).to.equal(200)
  })
})
