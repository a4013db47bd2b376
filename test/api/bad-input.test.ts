import { expect } from 'chai'
import { sql } from 'kysely'
import { startApi, type Answer, type Api } from '../support/api.ts'
import {
  addTenant,
  ecbRates,
  openBusiness,
  publishRates,
  type Business,
  type Tenant,
} from '../support/business.ts'

const big = '9007199254740992'
const amount = (value: string, currency = 'GBP'): string =>
  `{"amount":{"amount":${value},"currency":"${currency}"}}`
const good = { amount: { amount: 1, currency: 'GBP' } }

/** What is sent, the status, and the pointer of the first fault. */
const bodies: readonly (readonly [
  name: string,
  raw: string | Uint8Array,
  status: number,
  pointer?: string,
])[] = [
  ['nothing', '', 400, '#'],
  ['no JSON', '{', 400, '#'],
  ['no object', '[]', 400, '#'],
  ['a byte order mark', `\ufeff${JSON.stringify(good)}`, 201],
  ['invalid UTF-8', new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]), 400, '#'],
  ['100,000 bytes', `{"description":"${'x'.repeat(100_000)}"}`, 413],
  ['40 levels', `${'['.repeat(40)}${']'.repeat(40)}`, 400, '#'],
  ['40,000 levels', '['.repeat(40_000), 400, '#'],
  ['__proto__', '{"__proto__":{"isAdmin":true}}', 400, '#'],
  ['__proto__ inside', '{"metadata":{"__proto__":"x"}}', 400, '#'],
  ['a name twice', '{"currency":"GBP","currency":"USD"}', 400, '#'],
  ['a name twice, spelled differently', '{"currency":"GBP","\\u0063urrency":"USD"}', 400, '#'],
  ['constructor', '{"constructor":{"prototype":{}}}', 400, '#/constructor'],
  ['NUL in a string', '{"currency":"GBP","description":"a\\u0000b"}', 400, '#'],
  ['half a surrogate', '{"currency":"GBP","description":"\\ud800"}', 400, '#'],
  ['an unknown property', '{"currency":"GBP","organisationId":"x"}', 400, '#/organisationId'],
  ['an ORM operator', '{"currency":{"$ne":null}}', 400, '#/currency'],
  [
    'a raw fragment',
    '{"currency":"GBP","reference":{"__raw":true,"sql":"now()"}}',
    400,
    '#/reference',
  ],
  ['a float amount', amount('10.5'), 400, '#/amount/amount'],
  ['a text amount', amount('"1050"'), 400, '#/amount/amount'],
  ['a negative amount', amount('-1'), 400, '#/amount/amount'],
  ['a zero amount', amount('0'), 400, '#/amount/amount'],
  ['2^53', amount(big), 400, '#/amount/amount'],
  ['1e400', amount('1e400'), 400, '#/amount/amount'],
  ['an amount of null', '{"amount":null}', 400, '#/currency'],
  ['a bare amount', '{"amount":1050}', 400, '#/amount'],
  ['an unknown currency', amount('1', 'ZZZ'), 400, '#/amount/currency'],
  ['a lower-case currency', amount('1', 'gbp'), 400, '#/amount/currency'],
  ['a withdrawn currency', amount('1', 'TRL'), 400, '#/amount/currency'],
  ['a currency without minor unit', amount('1', 'XAU'), 400, '#/amount/currency'],
  [
    'yen with cents',
    '{"amount":{"amount":1,"currency":"JPY","exponent":2}}',
    400,
    '#/amount/exponent',
  ],
  [
    'dinars with cents',
    '{"amount":{"amount":1,"currency":"KWD","exponent":2}}',
    400,
    '#/amount/exponent',
  ],
  [
    'unidades with cents',
    '{"amount":{"amount":1,"currency":"CLF","exponent":2}}',
    400,
    '#/amount/exponent',
  ],
  [
    'two currencies',
    '{"amount":{"amount":1,"currency":"GBP"},"currency":"USD"}',
    400,
    '#/currency',
  ],
  [
    'a date without zone',
    '{"currency":"GBP","expiresAt":"2030-01-01T00:00:00"}',
    400,
    '#/expiresAt',
  ],
  ['a date without time', '{"currency":"GBP","expiresAt":"2030-01-01"}', 400, '#/expiresAt'],
  [
    'a date that is none',
    '{"currency":"GBP","expiresAt":"2030-02-30T00:00:00Z"}',
    400,
    '#/expiresAt',
  ],
  [
    'a date in the past',
    '{"currency":"GBP","expiresAt":"2020-01-01T00:00:00Z"}',
    400,
    '#/expiresAt',
  ],
  ['a far date', '{"currency":"GBP","expiresAt":"+275760-09-13T00:00:00Z"}', 400, '#/expiresAt'],
  ['an http URL', '{"currency":"GBP","successUrl":"http://example.com"}', 400, '#/successUrl'],
  ['a script URL', '{"currency":"GBP","successUrl":"javascript:alert(1)"}', 400, '#/successUrl'],
  [
    'items that do not add up',
    '{"amount":{"amount":5,"currency":"GBP"},"items":[{"name":"a","quantity":2,"unitAmount":2}]}',
    400,
    '#/items',
  ],
  [
    'items beyond 2^53',
    `{"currency":"GBP","items":[{"name":"a","quantity":1000000,"unitAmount":9007199254740991}]}`,
    400,
    '#/items',
  ],
  [
    '101 items',
    JSON.stringify({
      currency: 'GBP',
      items: Array.from({ length: 101 }, () => ({ name: 'a', quantity: 1, unitAmount: 1 })),
    }),
    400,
    '#/items',
  ],
  ['a member that is no id', '{"currency":"GBP","memberId":"1 or 1=1"}', 400, '#/memberId'],
  ['deep metadata', '{"currency":"GBP","metadata":{"a":{"b":1}}}', 400, '#/metadata/a'],
  [
    '51 keys of metadata',
    JSON.stringify({
      currency: 'GBP',
      metadata: Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`k${index}`, 'v'])),
    }),
    400,
    '#/metadata',
  ],
]

describe('bad input', () => {
  let business: Business
  let tenant: Tenant
  let api: Api
  let keys = 0

  before(async () => {
    business = await openBusiness({ fx: { providers: ['ecb'] } })
    tenant = await addTenant(business, 'harbour')
    await publishRates(business, ecbRates)
    api = await startApi(business)
  })
  after(() => business.lifecycle.stop())

  const post = (raw: string | Uint8Array, headers: Record<string, string> = {}): Promise<Answer> =>
    api.call('POST', '/api/v2/payment-links', {
      as: tenant.secretKey,
      raw,
      headers: { 'idempotency-key': `k${(keys += 1)}`, ...headers },
    })
  const written = async (): Promise<unknown> =>
    business.db.run(
      sql`select (select count(*) from payment_links) links, (select count(*) from idempotency_keys) keys`,
    )

  for (const [name, raw, status, pointer] of bodies) {
    it(`${name}: ${status}${pointer === undefined ? '' : ` at ${pointer}`}`, async () => {
      const before = await written()
      const answer = await post(raw)
      expect(answer.status, answer.text).to.equal(status)
      if (status === 201) {
        return
      }
      expect(answer.headers.get('content-type')).to.equal('application/problem+json')
      expect(answer.json).to.include({
        status,
        instance: '/api/v2/payment-links',
        retryable: false,
      })
      expect(answer.json.errors?.[0]?.pointer).to.equal(pointer)
      expect(answer.text).to.not.match(/at .*\.ts:|select |insert /)
      expect(await written()).to.deep.equal(before)
    })
  }

  it('names every fault of a body in one answer', async () => {
    const { json } = await post(
      '{"amount":{"amount":1.5,"currency":"ZZZ"},"nope":1,"status":"paid","metadata":7}',
    )
    const pointers = json.errors.map((fault: any) => fault.pointer).toSorted()
    expect(pointers).to.include.members([
      '#/amount/amount',
      '#/amount/currency',
      '#/metadata',
      '#/nope',
      '#/status',
    ])
  })

  it('refuses other media types and encodings', async () => {
    const text = JSON.stringify(good)
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      expect((await post(text, { 'content-type': type })).status).to.equal(415)
    }
    expect((await post(text, { 'content-encoding': 'gzip' })).status).to.equal(415)
    expect(
      (await post(text, { 'content-type': 'application/json; charset=utf-7' })).status,
    ).to.equal(415)
  })

  it('answers odd rates queries with every fault', async () => {
    const rates = (search: string) =>
      api.call('GET', `/api/v2/fx/rates?${search}`, { as: tenant.secretKey })
    const { status, json } = await rates('base=XX&quotes=EUR,YY&quotes=USD&limit=1')
    expect(status).to.equal(400)
    expect(json.errors.map((fault: any) => fault.pointer)).to.include.members([
      '#/query/base',
      '#/query/quotes',
      '#/query/limit',
    ])
    expect((await rates('')).status).to.equal(400)
    expect((await rates('base=GBP&quotes=')).status).to.equal(400)
  })

  it('answers unknown paths, methods and broken escapes with problems', async () => {
    const call = (method: string, path: string) => api.call(method, path, { as: tenant.secretKey })
    expect((await call('GET', '/api/v2/nothing')).json.type).to.equal(
      `${api.origin}/problems/http/route-unknown`,
    )
    expect((await call('GET', '/api/v2/payment-links/%E0%A4%A')).status).to.equal(400)
    const wrong = await call('DELETE', '/api/v2/payment-links')
    expect([wrong.status, wrong.headers.get('allow')]).to.deep.equal([
      405,
      'GET, POST, HEAD, OPTIONS',
    ])
    for (const path of [
      '/API/v2/payment-links',
      '//api/v2/payment-links',
      '/api/v2/payment-links/',
      '/api/v2/payment-links%2f',
    ]) {
      expect((await call('GET', path)).status, path).to.equal(404)
    }
    expect((await api.call('GET', '/api/v2/payment-links?x=/api/health')).status).to.equal(401)
  })

  it('serves a page for every problem type it names', async () => {
    const { json } = await api.call('GET', '/api/v2/payment-links')
    const page = await fetch(json.type)
    expect([page.status, page.headers.get('content-type')]).to.deep.equal([
      200,
      'text/plain; charset=utf-8',
    ])
    expect(await page.text()).to.include(json.title)
    expect((await fetch(`${api.origin}/problems/http/none`)).status).to.equal(404)
  })
})
