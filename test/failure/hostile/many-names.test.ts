import { expect } from 'chai'
import { openHarbour, type Harbour } from '../../support/harbour.ts'

// H6: thousands of names in one request, such as would collide in a hash table (CVE-2026-21717: texts that look like integers).
// The work is bounded by how many are taken, so that no time has to be asserted.

/** Integer-like names whose values lie a power of two apart. */
const names = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => String(index * 65_536))

describe('an API that is sent more names than anybody needs', () => {
  let harbour: Harbour
  before(async () => {
    harbour = await openHarbour()
  })
  after(() => harbour.business.lifecycle.stop())

  const post = (text: string) =>
    harbour.api.call('POST', '/api/v2/payment-links', {
      as: harbour.tenant.secretKey,
      raw: text,
      headers: { 'idempotency-key': `n${text.length}` },
    })
  const get = (path: string) => harbour.api.call('GET', path, { as: harbour.tenant.secretKey })
  const objectOf = (count: number) =>
    `{${names(count)
      .map((name) => `"${name}":0`)
      .join()}}`

  it('refuses a body with more than 1,000 names before it is parsed, however they are nested', async () => {
    const half = names(501).map((name) => `"${name}":0`)
    const nested = `{"items":[{${half.join()}},{${half.join()}}]}`
    for (const text of [objectOf(1_001), objectOf(5_000), nested]) {
      const { status, json } = await post(text)
      expect([status, json.errors[0].detail]).to.deep.equal([400, 'more than 1000 names'])
    }
  })

  it('does not list more than 100 faults of a body', async () => {
    const { status, json, text } = await post(objectOf(1_000))
    expect([status, json.errors.length]).to.deep.equal([400, 100])
    expect(text.length).to.be.lessThan(20_000)
  })

  it('refuses more than 100 parameters in every query string by their number alone', async () => {
    const search = (count: number) =>
      names(count)
        .map((name) => `${name}=1`)
        .join('&')
    for (const path of [
      '/api/v2/payment-links',
      '/api/payment-links',
      '/api/v2/fx/rates',
      '/api/v2/me',
      '/api/v2/payment-links/01900000-0000-7000-8000-000000000000',
    ]) {
      for (const tail of [
        search(101),
        search(1_200),
        `${'&'.repeat(100)}a=1`,
        'a&'.repeat(4_000),
      ]) {
        const { status, json } = await get(`${path}?${tail}`)
        expect(status, path).to.equal(400)
        expect(json.errors, path).to.deep.equal([
          { detail: 'more than 100 parameters', pointer: '#/query' },
        ])
      }
    }
  })

  it('takes what is usual', async () => {
    expect((await get('/api/v2/payment-links?limit=1&sort=-createdAt')).status).to.equal(200)
    const metadata = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`k${at}`, 'v']))
    const items = Array.from({ length: 100 }, () => ({ name: 'a', quantity: 1, unitAmount: 1 }))
    expect((await post(JSON.stringify({ currency: 'GBP', items, metadata }))).status).to.equal(201)
  })
})
