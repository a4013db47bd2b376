import { expect } from 'chai'
import { sql } from 'kysely'
import { writeToken } from '#platform/cache/consistency-token'
import { quietApplication } from '#platform/cache/change'
import { startApi, type Answer, type Api } from '../support/api.ts'
import {
  addTenant,
  ecbRates,
  openBusiness,
  publishRates,
  type Business,
  type Tenant,
} from '../support/business.ts'
import { createTestClock } from '../support/clock.ts'
import { addLinks } from '../support/links.ts'

const hit = /^memory; hit; ttl=\d+$/
const list = '/api/v2/payment-links?limit=100'

describe('a write of which the cache was told', () => {
  let business: Business
  let elsewhere: Business
  let tenant: Tenant
  let linkId: string
  let api: Api
  /** As another process: it hears of nothing by itself, for its clock stands still and this writer does not notify. */
  let other: Api
  let sent = 0

  before(async () => {
    business = await openBusiness({ fx: { providers: ['ecb'] }, applicationName: quietApplication })
    elsewhere = await openBusiness({ url: business.url, clock: createTestClock(new Date()) })
    tenant = await addTenant(business, 'harbour')
    await publishRates(business, ecbRates)
    linkId = (await addLinks(business, tenant, 3))[0] ?? ''
    api = await startApi(business, { cache: { tiers: 'memory' } })
    other = await startApi(elsewhere, { cache: { tiers: 'memory' } })
  })
  after(async () => {
    await elsewhere.lifecycle.stop()
    await business.lifecycle.stop()
  })

  const statusOf = ({ headers }: Answer): string => headers.get('cache-status') ?? ''
  const get = (path: string, headers = {}, at = api): Promise<Answer> =>
    at.call('GET', path, { as: tenant.secretKey, headers })
  const post = (path: string, body: unknown): Promise<Answer> =>
    api.call('POST', path, {
      as: tenant.secretKey,
      body,
      headers: { 'idempotency-key': `key-${(sent += 1)}` },
    })
  const itemOf = (id: string): string => `/api/v2/payment-links/${id}`
  const describeLink = async (description: string, id = linkId): Promise<Answer> => {
    const { version } = (await get(`${itemOf(id)}?fields=version`)).json.data
    const headers = { 'if-match': `"${version}"` }
    const body = { description }
    const answer = await api.call('PATCH', itemOf(id), { as: tenant.secretKey, body, headers })
    expect(answer.status, answer.text).to.equal(200)
    return answer
  }
  const tokenOf = ({ headers }: Answer): string => headers.get('consistency-token') ?? ''
  const shownIn = (answer: Answer): string =>
    answer.json.data.find(({ id }: any) => id === linkId)?.description

  it('is seen by the next read of the same process, in whatever shows it, while others read the same', async () => {
    const paths = [
      '/api/v2/payment-links?limit=3',
      '/api/payment-links?limit=3',
      '/api/v2/payment-links?count=exact&limit=2',
    ]
    const state = { isOver: false }
    const crowd = async (): Promise<void> => {
      while (!state.isOver) {
        await Promise.all(paths.map((path) => get(path)))
      }
    }
    const readers = [crowd(), crowd()]
    for (let round = 0; round < 6; round += 1) {
      const made = await post('/api/v2/payment-links', { currency: 'GBP', description: `${round}` })
      expect(made.status, made.text).to.equal(201)
      const { id } = made.json.data
      const [first, numbered, counted] = await Promise.all(paths.map((path) => get(path)))
      expect(first?.json.data[0].id).to.equal(id)
      expect(numbered?.json.data[0].id).to.equal(id)
      expect(numbered?.json.pagination.total).to.equal(4 + round)
      expect(counted?.json.page.total).to.equal(4 + round)
      expect((await get(itemOf(id))).json.data.description).to.equal(`${round}`)
      await describeLink(`changed ${round}`, id)
      expect((await get(itemOf(id))).json.data.description).to.equal(`changed ${round}`)
      expect((await get(list)).json.data[0].description).to.equal(`changed ${round}`)
      expect((await post(`${itemOf(id)}/cancel`, {})).status).to.equal(200)
      expect((await get(itemOf(id))).json.data.status).to.equal('cancelled')
      expect((await get(list)).json.data[0].status).to.equal('cancelled')
      const events = await get(`${itemOf(id)}/events`)
      expect(events.json.data).to.have.length.of.at.least(2)
    }
    state.isOver = true
    await Promise.all(readers)
  })

  it('is seen in another process by who sends its token back, and not before by who does not', async () => {
    for (const turn of ['one', 'two', 'three']) {
      await get(list, {}, other)
      const before = shownIn(await get(list, {}, other))
      const token = tokenOf(await describeLink(turn))
      expect(token).to.match(/^v1\.test\.[\w-]+\.[\w-]{27}$/)
      const unaware = await get(list, {}, other)
      expect(statusOf(unaware)).to.match(hit)
      expect(shownIn(unaware)).to.equal(before)
      const aware = await get(list, { 'consistency-token': token }, other)
      expect(statusOf(aware)).to.equal('memory; fwd=stale; stored')
      expect(shownIn(aware)).to.equal(turn)
      expect(shownIn(await get(list, {}, other))).to.equal(turn)
      expect(statusOf(await get(list, { 'consistency-token': token }, other))).to.match(hit)
    }
  })

  it('is seen by 304s and credentials of another process too', async () => {
    const { headers } = await get(itemOf(linkId), {}, other)
    const known = { 'if-none-match': headers.get('etag') ?? '' }
    expect((await get(itemOf(linkId), known, other)).status).to.equal(304)
    const changed = tokenOf(await describeLink('another validator'))
    const fresh = await get(itemOf(linkId), { ...known, 'consistency-token': changed }, other)
    expect(fresh.status).to.equal(200)
    const made = await post('/api/v2/api-keys', { kind: 'secret', name: 'short' })
    const { id, key } = made.json.data
    expect((await other.call('GET', list, { as: key })).status).to.equal(200)
    const path = `/api/v2/api-keys/${id}`
    const gone = await api.call('DELETE', path, { as: tenant.secretKey })
    const token = { 'consistency-token': tokenOf(gone) }
    expect((await other.call('GET', list, { as: key, headers: token })).status).to.equal(401)
  })

  it('is seen in another process by a browser, whose cookie carries the token', async () => {
    await get(list, {}, other)
    const answer = await describeLink('by cookie')
    const [cookie = ''] = answer.headers.getSetCookie()
    expect(cookie).to.match(
      /^consistency-token=v1\.[\w.-]+; Path=\/api; Max-Age=10; HttpOnly; SameSite=Strict$/,
    )
    const pair = cookie.split(';', 1)[0] ?? ''
    expect(pair).to.equal(`consistency-token=${tokenOf(answer)}`)
    const seen = await get(list, { cookie: `theme=dark; ${pair}` }, other)
    expect(shownIn(seen)).to.equal('by cookie')
  })

  it('leaves the primary to be asked by a cookie that is no token of ours', async () => {
    await get(list)
    for (const value of ['', 'x', 'v1.test.AAAA.BBBB', 'v9.test.AAAA.BBBB', '%00']) {
      const answer = await get(list, { cookie: `consistency-token=${value}` })
      expect([answer.status, statusOf(answer)], value).to.deep.equal([
        200,
        'memory; fwd=request; stored',
      ])
    }
  })

  it('is not served to a header that is no token of ours', async () => {
    const good = tokenOf(await describeLink('forged'))
    const [version, id, payload = '', signature = ''] = good.split('.')
    const foreign = writeToken([{ id: 'test', secret: Buffer.alloc(32, 8) }], 'primary')
    const forged = [
      'x',
      'v1',
      'v1.test..',
      '"quoted"',
      `v2.${id}.${payload}.${signature}`,
      `${version}.other.${payload}.${signature}`,
      `${version}.${id}.${payload}A.${signature}`,
      `${version}.${id}.${payload}.${signature.slice(1)}x`,
      `${good}.more`,
      `${good}, ${good}`,
      foreign,
      'x'.repeat(8_001),
    ]
    for (const path of [
      list,
      itemOf(linkId),
      '/api/v2/me',
      '/api/v2/fx/rates?base=GBP&quotes=EUR',
    ]) {
      for (const token of forged) {
        const answer = await get(path, { 'consistency-token': token })
        expect(answer.status, token.slice(0, 80)).to.equal(400)
        expect(answer.json.type).to.match(/http\/consistency-token-invalid$/)
        expect(answer.headers.get('cache-control')).to.equal('no-store')
      }
    }
  })

  it('of which nothing can be known here makes the primary be asked', async () => {
    await get(list)
    const { cursorKeys, cache } = api.slice
    const stamp = cache.stamp()
    const epoch = stamp?.epoch ?? ''
    const far = { xmin: 1e15, xmax: 1e15, xip: [] }
    const tokens = [
      writeToken(cursorKeys, 'primary'),
      writeToken(cursorKeys, { epoch, snapshot: far }),
      writeToken(cursorKeys, { epoch: business.random.uuid(), snapshot: far }),
    ]
    const { counters } = cache.report()
    for (const token of tokens) {
      const answer = await get(list, { 'consistency-token': token })
      expect([answer.status, statusOf(answer)]).to.deep.equal([200, 'memory; fwd=request; stored'])
    }
    expect(cache.report().counters['token-primary']).to.be.at.least(counters['token-primary'] + 3)
  })

  it('before the epoch ended makes the primary be asked, and the next one not', async () => {
    const old = tokenOf(await describeLink('in the old epoch'))
    await business.db.run(sql`select rotate_cache_epoch()`)
    await api.slice.cache.catchUp()
    const answer = await get(list, { 'consistency-token': old })
    expect(statusOf(answer)).to.equal('memory; fwd=request; stored')
    expect(shownIn(answer)).to.equal('in the old epoch')
    const token = tokenOf(await describeLink('in the new epoch'))
    const seen = await get(list, { 'consistency-token': token }, other)
    expect(shownIn(seen)).to.equal('in the new epoch')
    await get(list, { 'consistency-token': token })
    expect(statusOf(await get(list, { 'consistency-token': token }))).to.match(hit)
  })
})
