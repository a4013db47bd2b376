import { expect } from 'chai'
import { sql } from 'kysely'
import { issueApiKey, type Scope } from '#members'
import { eventually } from '../platform/queue/fixture.ts'
import { startApi, type Answer, type Api } from '../support/api.ts'
import {
  addMember,
  addTenant,
  ecbRates,
  openBusiness,
  publishRates,
  type Business,
  type Tenant,
} from '../support/business.ts'
import { addProducts } from '../support/catalogue.ts'
import { addLinks } from '../support/links.ts'
import { addActiveMembers } from '../support/members.ts'

const hit = /^memory; hit; ttl=\d+$/
const fetched = /^memory; fwd=/

describe('an answer that was kept for one caller', () => {
  let business: Business
  let ours: Tenant
  let theirs: Tenant
  let api: Api

  before(async () => {
    business = await openBusiness({ fx: { providers: ['ecb'] } })
    await publishRates(business, ecbRates)
    ours = await addTenant(business, 'harbour')
    theirs = await addTenant(business, 'inland')
    for (const tenant of [ours, theirs]) {
      await addProducts(business, tenant, 3)
      await addLinks(business, tenant, 3)
      await addActiveMembers(business, tenant, 3)
    }
    api = await startApi(business, { cache: { tiers: 'memory' }, isCaughtUp: true })
  })
  after(() => business.lifecycle.stop())

  const get = (path: string, as: string): Promise<Answer> => api.call('GET', path, { as })
  const statusOf = ({ headers }: Answer): string => headers.get('cache-status') ?? ''
  const keyWith = (scopes: readonly Scope[], more: { expiresAt?: Date } = {}) =>
    issueApiKey(business, {
      organisationId: ours.organisationId,
      kind: 'secret',
      name: 'narrow',
      scopes,
      ...more,
    })
  const update = (statement: ReturnType<typeof sql>) => business.db.run(statement)

  const paths = [
    '/api/v2/products',
    '/api/v2/products/search?q=lantern',
    '/api/products',
    '/api/v2/payment-links?count=exact',
    '/api/payment-links',
    '/api/v2/members?expand=roles',
    '/api/v2/organisations',
    '/api/v2/api-keys',
    '/api/v2/me',
  ]
  for (const path of paths) {
    it(`(${path}) is not shown to another organisation`, async () => {
      const first = await get(path, ours.secretKey)
      const second = await get(path, theirs.secretKey)
      expect([first.status, second.status]).to.deep.equal([200, 200])
      expect(statusOf(second)).to.match(fetched)
      expect(second.text).not.to.equal(first.text)
      for (const [tenant, answer] of [
        [ours, first],
        [theirs, second],
      ] as const) {
        const again = await get(path, tenant.secretKey)
        expect(statusOf(again)).to.match(hit)
        expect(again.text).to.equal(answer.text)
      }
    })
  }

  it('is shared by all organisations where it is for everybody', async () => {
    for (const path of ['/api/v2/assets', '/api/v2/fx/rates?base=GBP&quotes=EUR']) {
      const first = await get(path, ours.secretKey)
      const second = await get(path, theirs.publishableKey)
      expect(statusOf(first), path).to.match(fetched)
      expect(statusOf(second), path).to.match(hit)
      expect(second.text).to.equal(first.text)
    }
  })

  it('is shared by the keys of an organisation, and not with its members, nor among them', async () => {
    const [one, other] = [
      await addMember(business, ours.organisationId, 'one@example.org'),
      await addMember(business, ours.organisationId, 'other@example.org'),
    ]
    await addLinks(business, ours, 1, { memberId: one.memberId })
    const path = '/api/v2/payment-links?fields=id,memberId'
    await get(path, ours.secretKey)
    const second = await keyWith(['payment-links:read'])
    expect(statusOf(await get(path, second.text))).to.match(hit)
    const own = await get(path, one.token)
    expect(statusOf(own)).to.match(fetched)
    expect(own.json.data.map((link: any) => link.memberId)).to.deep.equal([one.memberId])
    expect((await get(path, other.token)).json.data).to.deep.equal([])
    const item = `/api/v2/payment-links/${own.json.data[0].id}`
    for (const round of [1, 2]) {
      expect((await get(item, one.token)).status, `${round}`).to.equal(200)
      expect((await get(item, other.token)).status, `${round}`).to.equal(404)
      expect((await get(item, theirs.secretKey)).status, `${round}`).to.equal(404)
    }
  })

  it('is refused to a key without its scope, and without that of what is expanded', async () => {
    const list = '/api/v2/payment-links'
    const expanded = `${list}?expand=ledgerEntries`
    for (const path of [list, expanded]) {
      await get(path, ours.secretKey)
      expect(statusOf(await get(path, ours.secretKey))).to.match(hit)
    }
    const { id, text } = await keyWith(['payment-links:read'])
    expect((await get(list, text)).status).to.equal(200)
    expect((await get(expanded, text)).json.type).to.match(/scope-missing$/)
    expect((await get(list, ours.publishableKey)).status).to.equal(403)
    await update(
      sql`update api_keys set scopes = '{payment-links:read,ledger:read}' where id = ${id}`,
    )
    expect(statusOf(await get(expanded, text))).to.match(hit)
    await update(sql`update api_keys set scopes = '{fx:read}' where id = ${id}`)
    expect((await get(list, text)).status).to.equal(403)
    expect((await get(expanded, text)).status).to.equal(403)
  })

  it('is refused without a credential, and for one that was invented, which is not kept', async () => {
    const path = '/api/v2/products?fields=id'
    await get(path, ours.secretKey)
    expect((await api.call('GET', path)).status).to.equal(401)
    const { entries } = api.slice.cache.report()
    for (let index = 0; index < 50; index += 1) {
      const invented = `${ours.secretKey.slice(0, -2)}${String(index).padStart(2, '0')}`
      expect((await get(path, invented)).status).to.equal(401)
    }
    expect(api.slice.cache.report().entries).to.equal(entries)
  })

  const ends: readonly (readonly [how: string, end: (id: string) => ReturnType<typeof sql>])[] = [
    ['revoked', (id) => sql`update api_keys set revoked_at = now() where id = ${id}`],
    ['deleted', (id) => sql`delete from api_keys where id = ${id}`],
    ['made to expire', (id) => sql`update api_keys set expires_at = now() where id = ${id}`],
    ['given to no scope', (id) => sql`update api_keys set scopes = '{}' where id = ${id}`],
  ]
  for (const [how, end] of ends) {
    it(`is refused to a key that was ${how} behind the API's back, as soon as that is known`, async () => {
      const { id, text } = await keyWith(['catalogue:read'])
      const path = '/api/v2/products?limit=2'
      await get(path, text)
      expect(statusOf(await get(path, text))).to.match(hit)
      await update(end(id))
      expect((await get(path, text)).status).to.be.oneOf([401, 403])
    })
  }

  it('is refused to a suspended member, and given again when it is active', async () => {
    const { memberId, token } = await addMember(business, ours.organisationId, 'late@example.org')
    const setStatus = (status: string) =>
      update(sql`update members set status = ${status} where id = ${memberId}::uuid`)
    const path = '/api/v2/me'
    for (const round of [1, 2]) {
      expect((await get(path, token)).status, `${round}`).to.equal(200)
      expect(statusOf(await get(path, token))).to.match(hit)
      await setStatus('suspended')
      expect((await get(path, token)).status).to.equal(401)
      await setStatus('active')
    }
  })

  it('is refused to a key at the instant at which it ends, with nobody telling', async () => {
    const path = '/api/v2/products?limit=3'
    const soon = await keyWith(['catalogue:read'], { expiresAt: new Date(Date.now() + 2_000) })
    const revoked = await keyWith(['catalogue:read'])
    await update(
      sql`update api_keys set revoked_at = now() + interval '2 seconds' where id = ${revoked.id}`,
    )
    for (const { id, text } of [soon, revoked]) {
      const before = await get(path, text)
      const [row] = await business.db.run(sql<{ isOver: boolean }>`
        select least(expires_at, revoked_at) <= clock_timestamp() as "isOver" from api_keys where id = ${id}`)
      expect(before.status === 200 || row?.isOver).to.equal(true)
      await eventually(async () => ((await get(path, text)).status === 401 ? true : undefined))
      const [now] = await business.db.run(sql<{ isOver: boolean }>`
        select least(expires_at, revoked_at) <= clock_timestamp() as "isOver" from api_keys where id = ${id}`)
      expect(now?.isOver).to.equal(true)
    }
  })

  it('is refused at once to a key that was revoked through the same process', async () => {
    const plain = await startApi(business, { cache: { tiers: 'memory' } })
    const path = '/api/v2/products?limit=1'
    for (let round = 0; round < 10; round += 1) {
      const { id, text } = await keyWith(['catalogue:read'])
      expect((await plain.call('GET', path, { as: text })).status).to.equal(200)
      expect(statusOf(await plain.call('GET', path, { as: text }))).to.match(hit)
      const gone = await plain.call('DELETE', `/api/v2/api-keys/${id}`, { as: ours.secretKey })
      expect(gone.status).to.equal(204)
      expect((await plain.call('GET', path, { as: text })).status).to.equal(401)
    }
  })
})
