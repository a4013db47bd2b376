import { expect } from 'chai'
import { sql } from 'kysely'
import { issueAdminToken, issueApiKey, revokeApiKey } from '#members'
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
import { addLinks } from '../support/links.ts'

/** Every route that names a link, with what a good request to it sends. */
const routes: readonly (readonly [method: string, tail: string, body?: unknown])[] = [
  ['GET', ''],
  ['GET', '/items'],
  ['GET', '/events'],
  ['GET', '/fx-snapshots'],
  ['PATCH', '', { description: 'taken over' }],
  ['POST', '/requote', {}],
  ['POST', '/cancel', {}],
]

describe('what belongs to somebody else', () => {
  let business: Business
  let ours: Tenant
  let theirs: Tenant
  let api: Api
  let link: string
  let member: { memberId: string; token: string }
  let keys = 0

  before(async () => {
    business = await openBusiness({ fx: { providers: ['ecb'] } })
    ours = await addTenant(business, 'ours')
    theirs = await addTenant(business, 'theirs')
    await publishRates(business, ecbRates)
    member = await addMember(business, ours.organisationId, 'one@example.org')
    const [made] = await addLinks(business, ours, 1)
    link = made ?? ''
    api = await startApi(business)
  })
  after(() => business.lifecycle.stop())

  const call = (method: string, path: string, as: string, body?: unknown): Promise<Answer> =>
    api.call(method, `/api/v2/payment-links${path}`, {
      as,
      ...(body !== undefined && { body }),
      headers: { 'idempotency-key': `key-${(keys += 1)}`, 'if-match': '"1"' },
    })
  const comparable = ({ status, json }: Answer): unknown => {
    const { requestId: _, instance: __, ...rest } = json
    return { status, ...rest }
  }
  const version = async (): Promise<unknown> =>
    (
      await business.db.run(
        sql`select version, status, updated_at from payment_links where id = ${link}`,
      )
    )[0]

  for (const [method, tail, body] of routes) {
    it(`is missing word for word: ${method} /:id${tail}`, async () => {
      const before = await version()
      const foreign = await call(method, `/${link}${tail}`, theirs.secretKey, body)
      const absent = await call(method, `/${business.random.uuid()}${tail}`, theirs.secretKey, body)
      expect(foreign.status).to.equal(404)
      expect(comparable(foreign)).to.deep.equal(comparable(absent))
      expect(await version()).to.deep.equal(before)
    })

    it(`is out of a member's reach: ${method} /:id${tail}`, async () => {
      const { status } = await call(method, `/${link}${tail}`, member.token, body)
      expect(status).to.equal(method === 'GET' ? 404 : 403)
    })

    it(`needs more than a publishable key: ${method} /:id${tail}`, async () => {
      expect((await call(method, `/${link}${tail}`, ours.publishableKey, body)).status).to.equal(
        403,
      )
    })
  }

  it('cannot be given to a link: a member of another organisation is unknown', async () => {
    const body = { currency: 'GBP', memberId: member.memberId }
    const foreign = await call('POST', '', theirs.secretKey, body)
    const absent = await call('POST', '', theirs.secretKey, {
      ...body,
      memberId: business.random.uuid(),
    })
    expect(foreign.status).to.equal(400)
    expect(comparable(foreign)).to.deep.equal(comparable(absent))
  })

  it('does not show through a reference that is taken there', async () => {
    expect(
      (await call('POST', '', ours.secretKey, { currency: 'GBP', reference: 'X' })).status,
    ).to.equal(201)
    expect(
      (await call('POST', '', theirs.secretKey, { currency: 'GBP', reference: 'X' })).status,
    ).to.equal(201)
  })

  it('stays closed to an admin token, a suspended member, a revoked and an expired key, at once', async () => {
    const { organisationId } = ours
    const admin = await issueAdminToken(business, { name: 'op', role: 'admin' })
    const key = await issueApiKey(business, { organisationId, name: 'x', kind: 'secret' })
    const dying = await issueApiKey(business, { organisationId, name: 'y', kind: 'secret' })
    for (const as of [key.text, dying.text, member.token]) {
      expect((await call('GET', '', as)).status).to.equal(200)
    }
    const [row] = await business.db.run(sql<{ id: string }>`
      select id from api_keys where organisation_id = ${organisationId} and name = 'x'`)
    await revokeApiKey(business, { organisationId, keyId: row?.id ?? '' })
    await business.db.run(sql`update api_keys set expires_at = now() where name = 'y'`)
    await business.db.run(
      sql`update members set status = 'suspended' where id = ${member.memberId}`,
    )
    const refused = await Promise.all(
      [admin.text, key.text, dying.text, member.token].map((as) => call('GET', '', as)),
    )
    for (const answer of refused) {
      expect(answer.status).to.equal(401)
      expect(comparable(answer)).to.deep.equal(comparable(refused[0] ?? answer))
    }
  })
})
