import { expect } from 'chai'
import { sql } from 'kysely'
import { issueApiKey } from '#members'
import type { Database } from '#platform/database/database'
import { startApi, type Answer, type Api, type Setup } from '../support/api.ts'
import { addTenant, openBusiness, type Business, type Tenant } from '../support/business.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'

const path = '/api/v2/products'
const minted = 'tg_sk_0000000000000000000000000000000000000000000'

describe('an API that is limited', () => {
  let clock: TestClock
  let business: Business
  let tenant: Tenant
  /** Sent by the API and by this spec. */
  let statementsCount = 0

  before(async () => {
    clock = createTestClock()
    const opened = await openBusiness({ clock })
    const run: Database['run'] = (statement) => {
      statementsCount += 1
      return opened.db.run(statement)
    }
    business = { ...opened, db: Object.assign(Object.create(opened.db), { run }) }
    tenant = await addTenant(business, 'harbour')
  })
  after(() => business.lifecycle.stop())
  /** What was taken in an earlier test is long gone, and windows begin now. */
  beforeEach(() => clock.advance(600_000))

  const open = (
    limits: Setup['limits'],
    more: { readonly trustProxy?: number; readonly corsOrigins?: readonly string[] } = {},
  ): Promise<Api> => startApi(business, { ...more, ...(limits && { limits }) })

  async function statuses(count: number, ask: () => Promise<Answer>): Promise<readonly number[]> {
    const found: number[] = []
    for (let asked = 0; asked < count; asked += 1) {
      found.push((await ask()).status)
    }
    return found
  }
  const newKey = async (keyClass = 'standard'): Promise<string> => {
    const { organisationId } = tenant
    const key = { organisationId, kind: 'secret', name: 'one more' } as const
    const { id, text } = await issueApiKey(business, key)
    await business.db.run(sql`update api_keys set class = ${keyClass} where id = ${id}::uuid`)
    return text
  }
  const from = (address: string) => ({ headers: { 'x-forwarded-for': address } })

  it('says with every answer what is left, also with 304, 403 and 404', async () => {
    const api = await open({ key: 10 }, { corsOrigins: ['https://shop.example.com'] })
    const as = tenant.publishableKey
    const origin = { origin: 'https://shop.example.com' }
    const first = await api.call('GET', path, { as, headers: origin })
    const known = { 'if-none-match': first.headers.get('etag') ?? '' }
    const answers = [
      first,
      await api.call('GET', path, { as, headers: known }),
      await api.call('GET', '/api/v2/payment-links', { as }),
      await api.call('GET', `${path}/nothing`, { as }),
    ]
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 304, 403, 404])
    expect(answers.map(({ headers }) => headers.get('ratelimit-policy'))).to.deep.equal(
      answers.map(() => '"key";q=10;w=60'),
    )
    expect(answers.map(({ headers }) => headers.get('ratelimit')?.split(';t=')[0])).to.deep.equal(
      [9, 8, 7, 6].map((left) => `"key";r=${left}`),
    )
    expect(first.headers.get('access-control-expose-headers')).to.include('RateLimit-Policy')
  })

  it('refuses what is too much with the registered problem, until the time that it names', async () => {
    const api = await open({ key: 3 })
    const ask = () => api.call('GET', path, { as: tenant.secretKey })
    expect(await statuses(3, ask)).to.deep.equal([200, 200, 200])
    const { status, headers, json } = await ask()
    const seconds = headers.get('retry-after')
    expect(status).to.equal(429)
    expect(json).to.include({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      title: 'Request cannot be satisfied as assigned quota has been exceeded',
      status: 429,
      retryable: true,
    })
    expect(json['violated-policies']).to.deep.equal(['key'])
    expect(headers.get('cache-control')).to.equal('no-store')
    expect(headers.get('ratelimit')).to.equal(`"key";r=0;t=${seconds}`)
    await clock.advance((Number(seconds) - 1) * 1000)
    expect((await ask()).status).to.equal(429)
    await clock.advance(1000)
    expect((await ask()).status).to.equal(200)
  })

  it('counts reads and writes of one key together, and keys apart', async () => {
    const api = await open({ key: 2 })
    const other = await newKey()
    const ask = (as: string) => () => api.call('GET', path, { as })
    const write = await api.call('POST', '/api/v2/api-keys', {
      as: tenant.secretKey,
      body: {},
      headers: { 'idempotency-key': 'counted' },
    })
    expect([write.status, write.headers.get('ratelimit')?.split(';t=')[0]]).to.deep.equal([
      400,
      '"key";r=1',
    ])
    expect(await statuses(2, ask(tenant.secretKey))).to.deep.equal([200, 429])
    expect(await statuses(3, ask(other))).to.deep.equal([200, 200, 429])
  })

  it('gives keys of the class load their own quota', async () => {
    const api = await open({ key: 1, load: 1000 })
    const as = await newKey('load')
    const answer = await api.call('GET', path, { as })
    expect(answer.headers.get('ratelimit-policy')).to.equal('"load";q=1000;w=60')
    expect(await statuses(5, () => api.call('GET', path, { as }))).not.to.include(429)
  })

  it('counts credentials that fail against their address, and then looks none up', async () => {
    const api = await open({ anonymous: 3 })
    const guess = await newKey()
    await business.db.run(sql`update api_keys set revoked_at = now() where name = 'one more'`)
    statementsCount = 0
    const bad = [undefined, minted, guess, guess]
    const found: number[] = []
    for (const credential of bad) {
      const as = credential === undefined ? {} : { as: credential }
      found.push((await api.call('GET', path, as)).status)
    }
    expect(found).to.deep.equal([401, 401, 401, 429])
    const before = statementsCount
    const refused = await api.call('GET', path, { as: guess })
    expect(refused.json['violated-policies']).to.deep.equal(['anonymous'])
    expect([before, statementsCount]).to.deep.equal([1, 1])
  })

  it('serves a good key whatever others do at its address', async () => {
    const api = await open({ anonymous: 2 })
    const ask = () => api.call('GET', path, { as: tenant.secretKey })
    await ask()
    expect(await statuses(4, () => api.call('GET', path, { as: minted }))).to.deep.equal([
      401, 401, 429, 429,
    ])
    expect(await statuses(3, ask)).to.deep.equal([200, 200, 200])
  })

  it('believes X-Forwarded-For of as many proxies as it is told to, and of no other', async () => {
    const direct = await open({ anonymous: 2 })
    const ask = (api: Api, forwarded: string) => async () => api.call('GET', path, from(forwarded))
    const spoofed: number[] = []
    for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) {
      spoofed.push(...(await statuses(1, ask(direct, address))))
    }
    expect(spoofed).to.deep.equal([401, 401, 429])
    const behind = await open({ anonymous: 2 }, { trustProxy: 1 })
    const proxied: number[] = []
    for (const address of ['1.1.1.1, 192.0.2.1', '2.2.2.2, 192.0.2.1', '3.3.3.3, 192.0.2.1']) {
      proxied.push(...(await statuses(1, ask(behind, address))))
    }
    expect(proxied).to.deep.equal([401, 401, 429])
    expect(await statuses(1, ask(behind, '1.1.1.1, 192.0.2.9'))).to.deep.equal([401])
  })

  it('counts an IPv6 /56 as one address, and an IPv4 address however it is written', async () => {
    const api = await open({ anonymous: 1 }, { trustProxy: 1 })
    const ask = async (address: string) => (await api.call('GET', path, from(address))).status
    expect(await ask('2001:db8:0:ab00::1')).to.equal(401)
    expect(await ask('2001:db8:0:abff:1:2:3:4')).to.equal(429)
    expect(await ask('2001:db8:0:ac00::1')).to.equal(401)
    expect(await ask('192.0.2.1')).to.equal(401)
    expect(await ask('::ffff:192.0.2.1')).to.equal(429)
    expect(await ask('::ffff:c000:201')).to.equal(429)
    expect(await ask('::ffff:192.0.2.2')).to.equal(401)
    expect(await ask('nonsense')).to.equal(401)
    expect(await ask('more nonsense')).to.equal(429)
  })

  it('limits what needs no credential, and leaves health and the questions of browsers alone', async () => {
    const api = await open({ anonymous: 1 }, { corsOrigins: ['https://shop.example.com'] })
    const asked = await statuses(2, () => api.call('GET', '/openapi.json'))
    expect(asked).to.deep.equal([200, 429])
    expect((await api.call('GET', '/problems/http/overdue')).status).to.equal(429)
    expect((await api.call('GET', '/nowhere')).status).to.equal(429)
    const preflight = { origin: 'https://shop.example.com', 'access-control-request-method': 'GET' }
    const { status, headers } = await api.call('OPTIONS', path, { headers: preflight })
    expect([status, headers.get('ratelimit')]).to.deep.equal([204, null])
  })

  it('shows the quotas of a caller, which counts against none', async () => {
    const api = await open({ key: 3, anonymous: 2 })
    const show = () => api.call('GET', '/api/v2/rate-limits', { as: tenant.secretKey })
    await api.call('GET', path, { as: tenant.secretKey })
    await api.call('GET', path)
    await show()
    const { status, headers, json } = await show()
    expect([status, headers.get('cache-control')]).to.deep.equal([200, 'no-store'])
    expect(headers.get('ratelimit')?.split(';t=')[0]).to.equal('"key";r=2')
    expect(
      json.data.map(({ policy, quota, remaining }: any) => [policy, quota, remaining]),
    ).to.deep.equal([
      ['key', 3, 2],
      ['anonymous', 2, 1],
      ['checkout', 10, 10],
      ['payment', 5, 5],
      ['webhooks', 50, 50],
    ])
  })

  it('counts a route with a class of its own against both quotas, or neither', async () => {
    const { slice } = await open({ key: 10, payment: 2 })
    const caller = {
      kind: 'secret',
      organisationId: '',
      keyId: 'k',
      scopes: [],
      class: '',
    } as const
    const take = () => slice.limits.takeForRoute(caller, '192.0.2.1', 'payment')
    const taken = [take(), take(), take()]
    expect(taken.map(({ isAllowed }) => isAllowed)).to.deep.equal([true, true, false])
    expect(taken[2]?.violated?.policy).to.equal('payment')
    expect(taken[0]?.policyHeader).to.equal('"key";q=10;w=60, "payment";q=2;w=60')
    expect(slice.limits.lookFor(caller).limitHeader).to.match(/^"key";r=8;/)
  })

  it('says nothing of limits that are switched off', async () => {
    const api = await open(undefined)
    const { headers } = await api.call('GET', path, { as: tenant.secretKey })
    expect(headers.get('ratelimit')).to.equal(null)
    expect(
      (await api.call('GET', '/api/v2/rate-limits', { as: tenant.secretKey })).json,
    ).to.deep.equal({
      data: [],
    })
  })
})
