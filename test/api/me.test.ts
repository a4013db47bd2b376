import { expect } from 'chai'
import { sql } from 'kysely'
import { issueAdminToken, scopes } from '#members'
import { startApi, type Api } from '../support/api.ts'
import {
  addMember,
  addTenant,
  openBusiness,
  type Business,
  type Tenant,
} from '../support/business.ts'
import { recordStatements } from '../support/statements.ts'

describe('asking who one is', () => {
  let business: Business
  let tenant: Tenant
  let api: Api
  let statements: ReturnType<typeof recordStatements>

  before(async () => {
    business = await openBusiness()
    statements = recordStatements(business.db)
    tenant = await addTenant(business, 'harbour')
    await addTenant(business, 'inland')
    api = await startApi(business)
  })
  after(() => business.lifecycle.stop())

  const me = (as: string, headers = {}, search = '') =>
    api.call('GET', `/api/v2/me${search}`, { as, headers })

  it('tells a key its organisation and what it may do', async () => {
    const { status, json } = await me(tenant.secretKey)
    expect(status).to.equal(200)
    expect(json.data).to.deep.equal({
      organisation: {
        id: tenant.organisationId,
        name: 'harbour',
        slug: 'harbour',
        defaultCurrency: 'GBP',
        settlementAssets: ['EUR', 'USD', 'AUD', 'JPY'],
        timeZone: 'UTC',
      },
      key: {
        id: json.data.key.id,
        kind: 'secret',
        name: 'test',
        lastFour: tenant.secretKey.slice(-4),
        scopes,
        expiresAt: null,
      },
      member: null,
    })
  })

  it('tells a member also who they are, with their roles', async () => {
    const { memberId, token } = await addMember(business, tenant.organisationId, 'a@example.org')
    const memberOf = async () => (await me(token)).json.data.member
    const member = { id: memberId, name: 'a@example.org', tier: 'standard', roles: [] }
    expect(await memberOf()).to.deep.equal(member)
    await business.db.run(sql`
      insert into member_roles (member_id, role) values (${memberId}, 'support'), (${memberId}, 'finance')`)
    expect(await memberOf()).to.deep.equal({ ...member, roles: ['finance', 'support'] })
    expect((await me(token)).json.data.key).to.deep.include({
      kind: 'member',
      scopes: [
        'payment-links:read',
        'fx:read',
        'catalogue:read',
        'members:read',
        'contents:read',
        'interactions:write',
      ],
    })
  })

  it('is open to whatever credential is good, and to no other', async () => {
    const admin = await issueAdminToken(business, { name: 'op', role: 'admin' })
    expect((await me(tenant.publishableKey)).json.data.key.scopes).to.deep.equal([
      'fx:read',
      'catalogue:read',
      'contents:read',
    ])
    expect((await me(admin.text)).status).to.equal(401)
    expect((await me(`${tenant.secretKey}x`)).status).to.equal(401)
    expect((await api.call('GET', '/api/v2/me')).status).to.equal(401)
  })

  it('costs one statement beside the one that knows the key', async () => {
    statements.sent.length = 0
    await me(tenant.secretKey)
    expect(statements.sent).to.have.length(2)
  })

  it('answers 304 until something changed', async () => {
    const etag = (await me(tenant.publishableKey)).headers.get('etag') ?? ''
    const again = () => me(tenant.publishableKey, { 'if-none-match': etag })
    expect((await again()).status).to.equal(304)
    await business.db.run(sql`
      update organisations set time_zone = 'Europe/London' where id = ${tenant.organisationId}`)
    const changed = await again()
    expect([changed.status, changed.json.data.organisation.timeZone]).to.deep.equal([
      200,
      'Europe/London',
    ])
  })

  it('takes no parameters', async () => {
    const { status, json } = await me(tenant.secretKey, {}, '?fields=key')
    expect([status, json.errors[0].pointer]).to.deep.equal([400, '#/query/fields'])
  })
})
