import { expect } from 'chai'
import { sql } from 'kysely'
import { issueApiKey, type Scope } from '#members'
import { startApi, type Api } from '../support/api.ts'
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
import { addActiveMembers, addActivity } from '../support/members.ts'

describe('reading members and what belongs to them', () => {
  let business: Business
  let tenant: Tenant
  let theirs: Tenant
  let api: Api
  let one: { memberId: string; token: string }
  let other: { memberId: string; token: string }

  before(async () => {
    business = await openBusiness({ fx: { providers: ['ecb'] } })
    tenant = await addTenant(business, 'harbour')
    theirs = await addTenant(business, 'inland')
    await publishRates(business, ecbRates)
    await addActiveMembers(business, tenant, 4)
    one = await addMember(business, tenant.organisationId, 'Ann@Example.org')
    other = await addMember(business, tenant.organisationId, 'other@example.org')
    for (const { memberId, token } of [one, other]) {
      await business.db.run(
        sql`insert into member_roles (member_id, role) values (${memberId}, 'support')`,
      )
      await addActivity(business, token, 2)
    }
    api = await startApi(business)
  })
  after(() => business.lifecycle.stop())

  const get = (path: string, as = tenant.secretKey) => api.call('GET', `/api${path}`, { as })
  const dataOf = async (path: string, as?: string) => {
    const { status, json } = await get(path, as)
    expect(status, path).to.equal(200)
    return json.data
  }
  const only = async (...held: readonly Scope[]): Promise<string> => {
    const { organisationId } = tenant
    const key = { organisationId, kind: 'secret', name: 'only', scopes: held } as const
    return (await issueApiKey(business, key)).text
  }

  describe('as a member', () => {
    it('sees itself, with its roles and its history, and nobody else', async () => {
      const path = '/v2/members?expand=roles,activity'
      const [self, ...rest] = await dataOf(path, one.token)
      expect([self.id, rest]).to.deep.equal([one.memberId, []])
      expect(self.roles).to.deep.equal({ data: [{ role: 'support' }], hasMore: false })
      expect(self.activity.data).to.have.length(2)
      expect(await dataOf('/users', one.token)).to.have.length(1)
      expect(await dataOf('/v2/roles', one.token)).to.deep.equal([
        { role: 'support', memberId: one.memberId },
      ])
    })

    it('finds another member missing, and what is below it', async () => {
      for (const tail of ['', '/roles', '/activity']) {
        const path = `/v2/members/${other.memberId}${tail}`
        expect((await get(path, one.token)).status, tail).to.equal(404)
        expect((await get(path, other.token)).status, tail).to.equal(200)
        expect((await get(path)).status, tail).to.equal(200)
        expect((await get(path, theirs.secretKey)).status, tail).to.equal(404)
      }
    })

    it('reads neither keys nor the organisation nor what others did', async () => {
      for (const path of ['/v2/api-keys', '/v2/organisations', '/v2/activity']) {
        expect((await get(path, one.token)).status, path).to.equal(403)
      }
    })
  })

  describe('as an organisation', () => {
    it('sees itself and no other', async () => {
      const data = await dataOf('/v2/organisations')
      expect(data.map(({ id }: { id: string }) => id)).to.deep.equal([tenant.organisationId])
      expect((await get(`/v2/organisations/${theirs.organisationId}`)).status).to.equal(404)
    })

    it('finds a member by its address, however that is spelled', async () => {
      for (const email of ['Ann@Example.org', 'ann@example.org', 'ANN@EXAMPLE.ORG']) {
        const [found, ...rest] = await dataOf(`/v2/members?email=${email}`)
        expect([found.id, rest]).to.deep.equal([one.memberId, []])
      }
      expect(await dataOf('/v2/members?email=ann%25')).to.deep.equal([])
    })

    it('lists those who were active lately first, and those who never were last', async () => {
      const data = await dataOf('/v2/members?sort=-lastActiveAt&fields=lastActiveAt')
      const times = data.map(({ lastActiveAt }: { lastActiveAt: string | null }) => lastActiveAt)
      const known = times.filter((time: string | null) => time !== null)
      expect(known).to.have.length(2)
      expect(times).to.deep.equal([...known.toSorted().toReversed(), null, null, null, null])
    })

    it('narrows keys to its own or to those of one member, and never shows a hash', async () => {
      const own = await dataOf('/v2/api-keys?kind=secret,publishable&expand=member')
      expect(own.map(({ member }: { member: unknown }) => member)).to.deep.equal([null, null])
      const [token, ...rest] = await dataOf(`/v2/api-keys?memberId=${one.memberId}&expand=member`)
      expect(rest).to.deep.equal([])
      expect(token.member.email).to.equal('Ann@Example.org')
      expect(token.lastFour).to.equal(one.token.slice(-4))
      expect(Object.keys(token).filter((name) => /hash/i.test(name))).to.deep.equal([])
    })

    it('narrows its history by what was done, by whom, and to what', async () => {
      const path = `/v2/activity?memberId=${one.memberId}&expand=member,apiKey`
      const [newest, oldest] = await dataOf(path)
      expect([newest.action, oldest.action]).to.deep.equal([
        'payment-link.updated',
        'payment-link.created',
      ])
      expect([newest.member.id, newest.apiKey.kind, newest.ip]).to.deep.equal([
        one.memberId,
        'member',
        '192.0.2.1',
      ])
      const [found, ...rest] = await dataOf(`/v2/activity?subjectId=${oldest.subjectId}`)
      expect([found.id, rest]).to.deep.equal([oldest.id, []])
      const created = await dataOf('/v2/activity?action=payment-link.created')
      expect(new Set(created.map(({ action }: { action: string }) => action)).size).to.equal(1)
    })

    it('sees with a link whom it is for, if the key may read members', async () => {
      await addLinks(business, tenant, 1, { memberId: one.memberId })
      const path = '/v2/payment-links?expand=member&fields=memberId'
      const [link] = await dataOf(path)
      expect(link.member).to.deep.include({ id: one.memberId, status: 'active' })
      const { status, json } = await get(path, await only('payment-links:read'))
      expect([status, json.scope]).to.deep.equal([403, 'members:read'])
    })
  })

  it('gives a role the organisation of its member, whatever was written', async () => {
    const { memberId } = await addMember(business, theirs.organisationId, 'b@example.org')
    const before = await dataOf('/v2/roles')
    await business.db.run(sql`
      insert into member_roles (member_id, role, organisation_id)
      values (${memberId}, 'owner', ${tenant.organisationId})`)
    await business.db.run(
      sql`update member_roles set organisation_id = ${tenant.organisationId} where member_id = ${memberId}`,
    )
    expect(await dataOf('/v2/roles')).to.deep.equal(before)
    expect(await dataOf('/v2/roles', theirs.secretKey)).to.deep.equal([{ role: 'owner', memberId }])
  })
})
