import { once } from 'node:events'
import { connect } from 'node:net'
import { expect } from 'chai'
import { startApi, type Api } from '../support/api.ts'
import { addLinks } from '../support/links.ts'
import {
  addTenant,
  ecbRates,
  openBusiness,
  publishRates,
  type Business,
  type Tenant,
} from '../support/business.ts'

const origin = 'https://shop.example'

describe('the API as its protocol is stretched', () => {
  let business: Business
  let tenant: Tenant
  let api: Api

  before(async () => {
    business = await openBusiness({ fx: { providers: ['ecb'] } })
    tenant = await addTenant(business, 'harbour')
    await publishRates(business, ecbRates)
    await addLinks(business, tenant, 2)
    api = await startApi(business, { corsOrigins: [origin] })
  })
  after(() => business.lifecycle.stop())

  /** Sends bytes as they are and returns everything that comes back until the server closes. */
  async function raw(...parts: readonly (string | Uint8Array)[]): Promise<string> {
    const socket = connect(Number(new URL(api.origin).port), '127.0.0.1')
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', () => undefined)
    socket.write(Buffer.concat(parts.map((part) => Buffer.from(part))))
    await once(socket, 'close')
    return Buffer.concat(chunks).toString('utf8')
  }
  const request = (line: string, ...headers: readonly string[]): string =>
    [line, ...headers, 'Connection: close', '', ''].join('\r\n')
  const key = (): string => `Authorization: Bearer ${tenant.secretKey}`
  const get = (headers: Record<string, string> = {}, method = 'GET') =>
    api.call(method, '/api/v2/payment-links', { as: tenant.secretKey, headers })

  const one = '/api/v2/payment-links?limit=1&fields=id'
  const refused: readonly (readonly [name: string, text: () => string, status: number])[] = [
    ['bytes that are no HTTP', () => '\u0000\u0001\r\n\r\n', 400],
    ['a method that nobody knows', () => request(`FOO ${one} HTTP/1.1`, 'Host: a'), 400],
    ['a request without a Host', () => request(`GET ${one} HTTP/1.1`, key()), 400],
    ['two Hosts', () => request(`GET ${one} HTTP/1.1`, 'Host: a', 'Host: b', key()), 400],
    ['two credentials', () => request(`GET ${one} HTTP/1.1`, 'Host: a', key(), key()), 400],
    [
      'two lengths',
      () =>
        request(
          `POST ${one} HTTP/1.1`,
          'Host: a',
          'Content-Length: 5',
          'Transfer-Encoding: chunked',
        ),
      400,
    ],
    [
      'a line of 20 kB',
      () =>
        request(`GET /api/v2/payment-links?reference=${'x'.repeat(20_000)} HTTP/1.1`, 'Host: a'),
      431,
    ],
    [
      'headers of 20 kB',
      () => request(`GET ${one} HTTP/1.1`, 'Host: a', `X: ${'x'.repeat(20_000)}`),
      431,
    ],
    ['TRACE', () => request(`TRACE ${one} HTTP/1.1`, 'Host: a', key()), 405],
  ]
  for (const [name, text, status] of refused) {
    it(`answers ${name} with a problem document`, async () => {
      const answer = await raw(text())
      expect(answer).to.match(new RegExp(`^HTTP/1.1 ${status} `))
      expect(answer).to.match(/^Content-Type: application\/problem\+json/im)
      expect(answer).to.match(/^Request-Id: req_/im)
      expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).to.include({ status })
      expect(answer).not.to.include(tenant.secretKey)
    })
  }

  it('closes a connection on which an answer has begun instead of writing into it', async () => {
    const whole = ['Host: a', key(), '', ''].join('\r\n')
    const answer = await raw(`GET ${one} HTTP/1.1\r\n${whole}`, 'no HTTP\r\n\r\n')
    expect(answer.match(/HTTP\/1\.1 /g)?.length).to.be.oneOf([1, 2])
  })

  it('takes what is unusual and allowed', async () => {
    const usual = [
      request(`GET http://elsewhere.example${one} HTTP/1.1`, 'Host: a', key()),
      request(`GET ${one} HTTP/1.0`, key()),
      request(`GET ${one} HTTP/1.1`, 'Host: a', key(), 'Expect: money'),
      request(`GET ${one} HTTP/1.1`, 'Host: a', key(), 'traceparent: zz-1', 'tracestate: ='),
      request(`GET ${one} HTTP/1.1`, 'Host: a', key(), 'X-Forwarded-For: 10.0.0.1, evil'),
    ]
    for (const text of usual) {
      expect(await raw(text)).to.match(/^HTTP\/1.1 200 OK/)
    }
  })

  it('answers pipelined requests in their order', async () => {
    const first = `GET ${one} HTTP/1.1\r\nHost: a\r\n${key()}\r\n\r\n`
    const answer = await raw(first, request('GET /api/v2/nothing HTTP/1.1', 'Host: a'))
    expect(answer.match(/HTTP\/1\.1 \d+/g)).to.deep.equal(['HTTP/1.1 200', 'HTTP/1.1 404'])
  })

  it('continues a body that waits for it', async () => {
    const answer = await raw(
      `POST /api/v2/payment-links HTTP/1.1\r\nHost: a\r\n${key()}\r\nExpect: 100-continue\r\n`,
      'Idempotency-Key: waits\r\nContent-Type: application/json\r\nContent-Length: 18\r\nConnection: close\r\n\r\n',
      '{"currency":"GBP"}',
    )
    expect(answer.match(/HTTP\/1\.1 \d+/g)).to.deep.equal(['HTTP/1.1 100', 'HTTP/1.1 201'])
  })

  it('refuses a body that is not UTF-8, and numbers that it would have to change', async () => {
    const post = (body: string | Uint8Array, id: string) =>
      api.call('POST', '/api/v2/payment-links', {
        as: tenant.secretKey,
        raw: body,
        headers: { 'idempotency-key': id },
      })
    const [start, end] = ['{"currency":"GBP","description":"ab', '"}'].map((text) =>
      Buffer.from(text),
    )
    const bytes = Buffer.concat(
      [start ?? '', Buffer.from([0xff]), end ?? ''].map((piece) => Buffer.from(piece)),
    )
    expect((await post(bytes, 'utf8')).json.type).to.match(/body-malformed$/)
    const rounded = '{"amount":{"amount":9007199254740990.6,"currency":"GBP"}}'
    expect((await post(rounded, 'rounded')).json.type).to.match(/body-malformed$/)
    const whole = '{"amount":{"amount":1050.0,"currency":"GBP"}}'
    expect((await post(whole, 'whole')).json.data.amount.amount).to.equal(1050)
  })

  it('says what an address allows', async () => {
    const { status, headers, text } = await get({}, 'OPTIONS')
    expect([status, headers.get('allow'), text]).to.deep.equal([
      204,
      'GET, POST, HEAD, OPTIONS',
      '',
    ])
  })

  it('answers HEAD with the headers of GET and no body', async () => {
    const [full, head] = [await get(), await get({}, 'HEAD')]
    expect([head.status, head.text]).to.deep.equal([200, ''])
    for (const name of [
      'etag',
      'content-length',
      'content-type',
      'vary',
      'cache-control',
      'link',
    ]) {
      expect(head.headers.get(name), name).to.equal(full.headers.get(name))
    }
  })

  it('answers 304 to any list that names its ETag, and to *, also for HEAD', async () => {
    const { headers } = await get()
    const etag = headers.get('etag') ?? ''
    const known = [etag, `"a", ${etag}`, `W/"b",${etag} , "c"`, etag.slice(2), '*']
    for (const value of known) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await get({ 'if-none-match': value }, method)
        expect([answer.status, answer.text], value).to.deep.equal([304, ''])
        expect(answer.headers.get('etag')).to.equal(etag)
        expect(answer.headers.get('vary')).to.equal(headers.get('vary'))
        expect(answer.headers.has('content-type')).to.equal(false)
        expect(answer.headers.has('content-length')).to.equal(false)
      }
    }
    for (const value of ['"a"', 'W/"a", "b"', '', etag.slice(0, -2)]) {
      expect((await get({ 'if-none-match': value })).status, value).to.equal(200)
    }
  })

  describe('to a browser', () => {
    it('lets the configured origin read, and says that the answer depends on it', async () => {
      const { headers } = await get({ origin })
      expect(headers.get('access-control-allow-origin')).to.equal(origin)
      expect(headers.get('access-control-expose-headers')).to.include('ETag')
      expect(headers.has('access-control-allow-credentials')).to.equal(false)
      expect(headers.get('vary')?.split(', ')).to.have.members([
        'Origin',
        'Authorization',
        'Accept-Encoding',
      ])
    })

    it('gives a foreign origin nothing', async () => {
      for (const foreign of [
        'https://evil.example',
        'null',
        `${origin}.evil.example`,
        'http://shop.example',
      ]) {
        const { headers } = await get({ origin: foreign })
        expect(headers.has('access-control-allow-origin'), foreign).to.equal(false)
        expect(headers.get('vary')).to.include('Origin')
      }
    })

    it('answers a preflight without a credential, for the configured origin only', async () => {
      const preflight = (from: string) =>
        api.call('OPTIONS', '/api/v2/payment-links', {
          headers: {
            origin: from,
            'access-control-request-method': 'POST',
            'access-control-request-headers': 'authorization,idempotency-key',
          },
        })
      const ours = await preflight(origin)
      expect(ours.status).to.equal(204)
      expect(ours.headers.get('access-control-allow-methods')).to.include('POST')
      expect(ours.headers.get('access-control-allow-headers')).to.include('Idempotency-Key')
      const foreign = await preflight('https://evil.example')
      expect(foreign.headers.has('access-control-allow-methods')).to.equal(false)
    })
  })

  it('names the successor of a version 1 item, whatever stands in its place', async () => {
    const link = async (id: string) =>
      (await api.call('GET', `/api/payment-links/${id}`, { as: tenant.secretKey })).headers.get(
        'link',
      )
    expect(await link('%0d%0aX-Evil:1')).to.equal(
      '</openapi.json>; rel="service-desc", </api/v2/payment-links/%0D%0AX-Evil%3A1>; rel="successor-version"',
    )
    expect(await link('a%3E%24%26')).to.equal(
      '</openapi.json>; rel="service-desc", </api/v2/payment-links/a%3E%24%26>; rel="successor-version"',
    )
  })

  it('answers an id that is none like one that is missing, on every write', async () => {
    for (const id of ['none', '%00', '%F0%9F%92%B6', "1'--"]) {
      for (const [method, path] of [
        ['POST', `/${id}/cancel`],
        ['POST', `/${id}/requote`],
        ['PATCH', `/${id}`],
      ] as const) {
        const { status, json } = await api.call(method, `/api/v2/payment-links${path}`, {
          as: tenant.secretKey,
          body: {},
          headers: { 'idempotency-key': `${method}${path}`.replaceAll('"', ''), 'if-match': '"1"' },
        })
        expect([status, json.detail], path).to.deep.equal([
          404,
          'There is no payment link with this id.',
        ])
      }
    }
  })
})
