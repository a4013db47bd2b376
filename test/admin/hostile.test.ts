import { expect } from 'chai'
import { sql } from 'kysely'
import { issueAdminToken } from '#members'
import { headersOf, proceduresOf, startAdmin } from '../support/admin.ts'
import { openBusiness, type Business } from '../support/business.ts'
import { exchangeRaw, statusesIn } from '../support/raw-socket.ts'

describe('admin process, against bad input', () => {
  let business: Business
  let origin: string
  let tokens: Record<'viewer' | 'operator', string>

  before(async () => {
    business = await openBusiness()
    origin = await startAdmin(business)
    const issue = async (role: 'viewer' | 'operator'): Promise<string> =>
      (await issueAdminToken(business, { name: role, role })).text
    tokens = { viewer: await issue('viewer'), operator: await issue('operator') }
  })
  after(() => business.lifecycle.stop())
  afterEach(async () => {
    const alive = await fetch(`${origin}/trpc/health.summary`, {
      headers: headersOf(tokens.viewer),
    })
    expect(alive.status).to.equal(200)
  })

  const procedures = proceduresOf()
  const call = ({ path, type }: { path: string; type: string }, headers: Record<string, string>) =>
    fetch(`${origin}/trpc/${path}`, {
      headers: { ...headers, 'content-type': 'application/json' },
      ...(type === 'mutation' && { method: 'POST', body: '{}' }),
    })

  it('answers no procedure without a token', async () => {
    expect(procedures.length).to.be.above(30)
    for (const procedure of procedures) {
      const answer = await call(procedure, {})
      expect(answer.status, procedure.path).to.equal(401)
    }
  })

  it('runs no mutation for a viewer', async () => {
    const statuses = await Promise.all(
      procedures
        .filter(({ type }) => type === 'mutation')
        .map(async (one) => (await call(one, headersOf(tokens.viewer))).status),
    )
    expect(new Set(statuses)).to.deep.equal(new Set([403]))
  })

  it('takes no token from anywhere but its header', async () => {
    const token = tokens.operator
    const statuses = await Promise.all(
      [
        fetch(`${origin}/trpc/health.summary?token=${token}&authorization=Bearer%20${token}`),
        fetch(
          `${origin}/trpc/health.summary?connectionParams=${encodeURIComponent(JSON.stringify({ authorization: `Bearer ${token}` }))}`,
        ),
        fetch(`${origin}/trpc/health.summary`, {
          headers: { cookie: `authorization=Bearer ${token}` },
        }),
        fetch(`${origin}/trpc/health.summary`, { headers: { authorization: `Basic ${token}` } }),
      ].map(async (answer) => (await answer).status),
    )
    expect(statuses).to.deep.equal([401, 401, 401, 401])
  })

  const paths = [
    '/trpc/keys.adminTokens?x=/health',
    '/trpc/keys.adminTokens?/health/live',
    '//trpc/keys.adminTokens',
    '/trpc//keys.adminTokens',
    '/health/../trpc/keys.adminTokens',
    '/health/%2e%2e/trpc/keys.adminTokens',
    '/health%2f..%2ftrpc/keys.adminTokens',
    '/TRPC/keys.adminTokens',
    '/trpc/KEYS.adminTokens',
    '/trpc/keys.adminTokens/health',
    '/trpc/keys.adminTokens;/health',
    '/trpc/keys%2eadminTokens',
    '/trpc/health.summary,keys.adminTokens?batch=1',
  ]
  for (const path of paths) {
    it(`gives nothing away at ${path}`, async () => {
      const text = await exchangeRaw(
        origin,
        `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      )
      expect(statusesIn(text)[0]).to.be.oneOf([400, 401, 404])
      expect(text).not.to.include('lastFour')
    })
  }

  const foreign: readonly Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ]
  for (const headers of foreign) {
    it(`refuses requests of other sites: ${JSON.stringify(headers)}`, async () => {
      for (const procedure of procedures.slice(0, 3)) {
        const answer = await call(procedure, { ...headers, ...headersOf(tokens.operator) })
        expect(answer.status).to.equal(403)
        expect(answer.headers.get('access-control-allow-origin')).to.equal(null)
      }
    })
  }

  it('takes requests of its own page', async () => {
    const { status } = await fetch(`${origin}/trpc/health.summary`, {
      headers: { ...headersOf(tokens.viewer), origin, 'sec-fetch-site': 'same-origin' },
    })
    expect(status).to.equal(200)
  })

  it('takes a change only as JSON, as a form of another site could not send it', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      const { status } = await fetch(`${origin}/trpc/flags.set`, {
        method: 'POST',
        headers: { ...headersOf(tokens.operator), 'content-type': type },
        body: '{"name":"cursor-pagination","percentage":0}',
      })
      expect(status, type).to.be.oneOf([400, 415])
    }
    expect(await business.db.run(sql`select * from feature_flags`)).to.deep.equal([])
  })

  it('refuses a thousand procedures in one batch, by GET and by POST', async () => {
    const inputs = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [index, {}]))
    const names = (name: string) => Array.from({ length: 1_000 }, () => name).join(',')
    const get = await fetch(`${origin}/trpc/${names('fx.batches')}?batch=1`, {
      headers: headersOf(tokens.viewer),
    })
    expect(get.status).to.be.oneOf([400, 431])
    const post = await fetch(`${origin}/trpc/${names('fx.fetchNow')}?batch=1`, {
      method: 'POST',
      headers: { ...headersOf(tokens.operator), 'content-type': 'application/json' },
      body: JSON.stringify(inputs),
    })
    expect(post.status).to.be.oneOf([400, 431])
    expect(
      await business.db.run(sql`select 1 from audit_log where procedure = 'fx.fetchNow'`),
    ).to.deep.equal([])
  })

  it('refuses inputs of megabytes, with and without a length', async () => {
    const body = JSON.stringify({ queue: 'q', name: 'n', payload: 'x'.repeat(5_000_000) })
    const whole = await fetch(`${origin}/trpc/jobs.runNow`, {
      method: 'POST',
      headers: { ...headersOf(tokens.operator), 'content-type': 'application/json' },
      body,
    })
    expect(whole.status).to.equal(413)
    const streamed = await fetch(`${origin}/trpc/jobs.runNow`, {
      method: 'POST',
      headers: { ...headersOf(tokens.operator), 'content-type': 'application/json' },
      body: new Blob([body]).stream(),
      duplex: 'half',
    })
    expect(streamed.status).to.equal(413)
    const long = await exchangeRaw(
      origin,
      `GET /trpc/health.summary?input=${'x'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    )
    expect(statusesIn(long)[0]).to.equal(431)
  })

  for (const [what, body] of [
    ['no JSON', '{'],
    ['a name of the language', '{"__proto__":{"limit":1},"constructor":{}}'],
    ['a list', '[1,2,3]'],
    ['half of a pair', '"\\ud800"'],
    ['nothing', ''],
  ] as const) {
    it(`refuses an input that is ${what}`, async () => {
      const { status } = await fetch(`${origin}/trpc/flags.set`, {
        method: 'POST',
        headers: { ...headersOf(tokens.operator), 'content-type': 'application/json' },
        body,
      })
      expect(status).to.equal(400)
    })
  }
})
