import { expect } from 'chai'
import { sql } from 'kysely'
import { issueAdminToken } from '#members'
import { startApi, type Answer, type Api } from '../support/api.ts'
import {
  addTenant,
  ecbRates,
  openBusiness,
  publishRates,
  type Business,
  type Tenant,
} from '../support/business.ts'
import { addProducts, type Shop } from '../support/catalogue.ts'
import { addLinks } from '../support/links.ts'
import { recordStatements } from '../support/statements.ts'
import { decoded, receive, type Received } from '../support/wire.ts'

const hit = /^memory; hit; ttl=\d+$/
const miss = 'memory; fwd=miss; stored'
const stale = 'memory; fwd=stale; stored'

describe('a read that is served from the cache', () => {
  let business: Business
  let tenant: Tenant
  let shop: Shop
  let linkId: string
  let api: Api
  let statements: ReturnType<typeof recordStatements>
  let asked = 0

  before(async () => {
    business = await openBusiness({ fx: { providers: ['ecb'] } })
    statements = recordStatements(business.db)
    tenant = await addTenant(business, 'harbour')
    await publishRates(business, ecbRates)
    shop = await addProducts(business, tenant, 12)
    linkId = (await addLinks(business, tenant, 3))[0] ?? ''
    api = await startApi(business, { cache: { tiers: 'memory' }, isCaughtUp: true })
  })
  after(() => business.lifecycle.stop())

  const get = (path: string, headers = {}, method = 'GET'): Promise<Answer> =>
    api.call(method, path, { as: tenant.secretKey, headers })
  const wire = (path: string, headers = {}, method = 'GET'): Promise<Received> =>
    receive(
      `${api.origin}${path}`,
      { authorization: `Bearer ${tenant.secretKey}`, ...headers },
      method,
    )
  const statusOf = ({ headers }: Answer): string => headers.get('cache-status') ?? ''
  /** A list that nobody asked for before. */
  const newPath = (more = ''): string => `/api/v2/products?limit=${(asked += 1) + 20}${more}`
  const write = async (statement: ReturnType<typeof sql>): Promise<void> => {
    await business.db.run(statement)
    await api.slice.cache.catchUp()
  }
  const retitle = (index: number, title: string): Promise<void> =>
    write(sql`update products set title = ${title} where id = ${shop.productIds[index]}`)

  const paths: readonly (readonly [what: string, path: () => string])[] = [
    ['a list', () => newPath()],
    ['an item', () => `/api/v2/products/${shop.productIds[0]}?expand=category,prices`],
    ['a list below an item', () => `/api/v2/products/${shop.productIds[0]}/pricing`],
    ['a list of version 1', () => '/api/products?limit=3'],
    ['an item of version 1', () => `/api/products/${shop.productIds[1]}`],
    ['a list for everybody', () => '/api/v2/assets'],
    ['the caller itself', () => '/api/v2/me'],
    ['exchange rates', () => '/api/v2/fx/rates?base=GBP&quotes=EUR,USD'],
  ]
  for (const [what, path] of paths) {
    it(`(${what}) asks the database once, and says where the answer came from`, async () => {
      const at = path()
      const first = await get(at)
      expect([first.status, statusOf(first)], first.text).to.deep.equal([200, miss])
      expect(first.headers.has('age')).to.equal(false)
      statements.sent.length = 0
      const second = await get(at)
      expect(statements.sent).to.deep.equal([])
      expect(statusOf(second)).to.match(hit)
      expect(Number(second.headers.get('age'))).to.be.within(0, 5)
      expect(second.text).to.equal(first.text)
      const changing = new Set(['age', 'cache-status', 'date', 'request-id', 'server-timing'])
      expect([...second.headers].filter(([name]) => !changing.has(name))).to.deep.equal(
        [...first.headers].filter(([name]) => !changing.has(name)),
      )
    })
  }

  it('may be kept on the way and is asked for each time; its groups are the tables it was made from', async () => {
    const { headers } = await get(newPath('&expand=category,prices'))
    expect(headers.get('cache-control')).to.equal('private, no-cache')
    expect(headers.get('vary')?.split(', ')).to.include.members([
      'Authorization',
      'Accept-Encoding',
    ])
    expect(headers.get('cache-groups')?.split(', ')).to.have.members([
      '"products"',
      '"categories"',
      '"prices"',
    ])
  })

  it('is compressed as the client likes best, to the same bytes, under the same validator', async () => {
    const at = newPath()
    const plain = await wire(at)
    expect(plain.headers).not.to.have.property('content-encoding')
    expect(plain.bytes.length).to.be.at.least(1024)
    const wanted = [
      ['br', 'br'],
      ['zstd', 'zstd'],
      ['gzip', 'gzip'],
      ['gzip, deflate, br, zstd', 'br'],
      ['gzip;q=1, zstd;q=0.5', 'zstd'],
      ['br;q=0, gzip', 'gzip'],
      ['deflate', undefined],
      ['identity', undefined],
      ['identity;q=1, *;q=0', undefined],
    ] as const
    for (const [accepted, coding] of [...wanted, ...wanted]) {
      const answer = await wire(at, { 'accept-encoding': accepted })
      expect(answer.headers['content-encoding'], accepted).to.equal(coding)
      expect(answer.headers['cache-status'], accepted).to.match(hit)
      expect(answer.headers.etag).to.equal(plain.headers.etag)
      expect(answer.headers['content-length']).to.equal(String(answer.bytes.length))
      expect(decoded(answer)).to.equal(plain.bytes.toString())
    }
    const fresh = await wire(newPath(), { 'accept-encoding': 'br' })
    expect([fresh.headers['cache-status'], fresh.headers['content-encoding']]).to.deep.equal([
      miss,
      'br',
    ])
  })

  it('is sent as it is below 1 KiB', async () => {
    for (const round of [miss, hit]) {
      const answer = await wire('/api/v2/products?limit=1&fields=id', { 'accept-encoding': 'br' })
      expect(answer.headers['cache-status']).to.match(new RegExp(round))
      expect(answer.headers).not.to.have.property('content-encoding')
    }
  })

  it('is 304 for who has it, also compressed, and 200 with another validator once it changed', async () => {
    const at = newPath()
    const etag = (await get(at)).headers.get('etag') ?? ''
    const strong = etag.replace('W/', '')
    for (const known of [etag, strong, `"other", ${etag}`, '*']) {
      const answer = await wire(at, { 'if-none-match': known, 'accept-encoding': 'br' })
      expect([answer.status, answer.bytes.length], known).to.deep.equal([304, 0])
      expect(answer.headers).to.include({ etag, 'cache-control': 'private, no-cache' })
      expect(answer.headers['cache-status']).to.match(hit)
      expect(answer.headers).not.to.have.property('content-encoding')
      expect(answer.headers.vary).to.include('Accept-Encoding')
    }
    await retitle(3, 'Lantern of another colour')
    const changed = await get(at, { 'if-none-match': etag })
    expect([changed.status, statusOf(changed)]).to.deep.equal([200, stale])
    expect(changed.headers.get('etag')).not.to.equal(etag)
    expect(changed.text).to.include('Lantern of another colour')
  })

  it('answers HEAD with the headers of GET and no body, and either serves the other', async () => {
    const at = newPath()
    for (const coding of ['identity', 'br']) {
      const head = await wire(at, { 'accept-encoding': coding }, 'HEAD')
      const whole = await wire(at, { 'accept-encoding': coding })
      expect(head.bytes).to.have.length(0)
      expect(whole.headers['cache-status']).to.match(hit)
      const headers = ['etag', 'content-length', 'content-encoding', 'content-type', 'cache-groups']
      for (const name of headers) {
        expect(head.headers[name], name).to.equal(whole.headers[name])
      }
      const known = { 'if-none-match': String(head.headers.etag) }
      expect((await wire(at, known, 'HEAD')).status).to.equal(304)
    }
  })

  const equal: readonly (readonly [what: string, one: string, other: string])[] = [
    ['in another order', 'limit=9&sort=title', 'sort=title&limit=9'],
    ['with its defaults', 'fields=id', 'fields=id&limit=20&sort=-publishedAt&count=none'],
    ['with a limit beyond the greatest', 'limit=100&fields=sku', 'limit=5000&fields=sku'],
    ['with its fields in another order', 'fields=id,title', 'fields=title,id'],
    ['with its expansions in another order', 'expand=prices,category', 'expand=category,prices'],
    ['escaped otherwise', 'fields=id,slug', 'f%69elds=id%2Cslug'],
  ]
  for (const [what, one, other] of equal) {
    it(`is the same answer when it is asked for ${what}`, async () => {
      const first = await get(`/api/v2/products?${one}`)
      const second = await get(`/api/v2/products?${other}`)
      expect([first.status, second.status]).to.deep.equal([200, 200])
      expect(statusOf(first)).to.equal(miss)
      expect(statusOf(second)).to.match(hit)
      expect(second.text).to.equal(first.text)
      expect(second.headers.get('etag')).to.equal(first.headers.get('etag'))
    })
  }

  it('is the same answer under an id in upper case, and changes with it', async () => {
    const [, , id = ''] = shop.productIds
    expect(statusOf(await get(`/api/v2/products/${id}`))).to.equal(miss)
    const upper = `/api/v2/products/${id.toUpperCase()}`
    expect(statusOf(await get(upper))).to.match(hit)
    await retitle(2, 'Ribbon of silk')
    expect((await get(upper)).json.data.title).to.equal('Ribbon of silk')
  })

  it('is fetched again for operators alone when they say no-cache; they see key and reason', async () => {
    const at = newPath()
    const noCache = { 'cache-control': 'no-cache' }
    await get(at)
    expect(statusOf(await get(at, noCache))).to.match(hit)
    for (const [role, wanted] of [
      ['admin', /^memory; fwd=request; stored; key="[\w-]{22}"; detail=bypass$/],
      ['viewer', hit],
    ] as const) {
      const token = await issueAdminToken(business, { name: role, role })
      const operator = { 'operator-authorization': `Bearer ${token.text}` }
      expect(statusOf(await get(at, { ...noCache, ...operator })), role).to.match(wanted)
      const looked = statusOf(await get(at, operator))
      expect(looked.includes('key='), looked).to.equal(role === 'admin')
    }
    for (const token of ['nonsense', `Bearer ${tenant.secretKey}`, 'Bearer x', 'Basic eDp5']) {
      const answer = await get(at, { ...noCache, 'operator-authorization': token })
      expect(statusOf(answer), token).to.match(hit)
    }
  })

  it('that finds nothing is kept too, until there is something', async () => {
    const id = business.random.uuid()
    const at = `/api/v2/products/${id}`
    const first = await get(at)
    statements.sent.length = 0
    const second = await get(at)
    expect([first.status, second.status]).to.deep.equal([404, 404])
    expect(second.headers.get('cache-control')).to.equal('no-store')
    expect(statements.sent).to.deep.equal([])
    await write(sql`
      insert into products (id, organisation_id, category_id, sku, slug, title, kind, status, published_at)
      select ${id}, organisation_id, category_id, 'N', 'new', 'New', kind, status, published_at
        from products where id = ${shop.productIds[0]}`)
    expect((await get(at)).json.data.title).to.equal('New')
    await write(sql`update products set deleted_at = now() where id = ${id}`)
    expect((await get(at)).status).to.equal(404)
    await write(sql`update products set deleted_at = null where id = ${id}`)
    expect((await get(at)).status).to.equal(200)
  })

  it('that is refused is refused each time, and kept nowhere', async () => {
    const { entries } = api.slice.cache.report()
    for (const search of ['limit=0', 'limit=2&limit=3', 'no=1', `sku=${'x'.repeat(10_000)}`]) {
      for (const round of [1, 2]) {
        const { status, headers } = await get(`/api/v2/products?${search}`)
        expect([status, headers.get('cache-control')], `${round}`).to.deep.equal([400, 'no-store'])
        expect(headers.has('cache-status')).to.equal(false)
      }
    }
    expect(api.slice.cache.report().entries).to.equal(entries)
  })

  it('follows whatever it shows: rows, what is expanded, what it counts, and what it lies below', async () => {
    const [id = ''] = shop.productIds
    const at = [
      `/api/v2/products/${id}?expand=category,prices,inventory`,
      '/api/v2/products?limit=50&count=exact&expand=inventory',
      `/api/v2/products/${id}/pricing`,
      '/api/products?limit=50',
      `/api/v2/payment-links/${linkId}?expand=items,events`,
    ]
    const changes = [
      sql`update categories set name = 'Presents' where slug = 'shelf-1'`,
      sql`update prices set amount_minor = 2000 where product_id = ${id}`,
      sql`update inventory_items set on_hand = 99 where product_id = ${id}`,
      sql`update products set status = 'draft' where id = ${shop.productIds[5]}`,
      sql`update products set status = 'draft' where id = ${id}`,
      sql`update products set status = 'active' where organisation_id = ${tenant.organisationId}`,
      sql`delete from inventory_items`,
      sql`truncate prices cascade`,
      sql`update payment_link_items set name = 'Torch' where name = 'Lantern'`,
    ]
    const apart = await openBusiness({ url: business.url })
    const off = await startApi(apart)
    for (const change of changes) {
      await Promise.all(at.map((path) => get(path)))
      await write(change)
      for (const path of at) {
        const [kept, read] = [
          await get(path),
          await off.call('GET', path, { as: tenant.secretKey }),
        ]
        expect([kept.status, kept.json.data], path).to.deep.equal([read.status, read.json.data])
      }
    }
    await apart.lifecycle.stop()
  })
})
