import { expect } from 'chai'
import { sql } from 'kysely'
import { startApi, type Api } from '../support/api.ts'
import {
  addTenant,
  ecbRates,
  openBusiness,
  publishRates,
  type Business,
  type Tenant,
} from '../support/business.ts'

describe('the activity log', () => {
  let business: Business
  let tenant: Tenant
  let api: Api
  let sent = 0

  before(async () => {
    business = await openBusiness({ fx: { providers: ['ecb'] } })
    tenant = await addTenant(business, 'harbour')
    await publishRates(business, ecbRates)
    api = await startApi(business, { trustProxy: 1 })
  })
  after(() => business.lifecycle.stop())

  type Entry = Record<
    'action' | 'subject_type' | 'subject_id' | 'ip' | 'key' | 'organisation_id',
    string
  > & { readonly details: unknown }
  const entriesOf = (subjectId: string) =>
    business.db.run(sql<Entry>`
      select action, subject_type, subject_id, host(ip) as ip, api_key_id as key, member_id, organisation_id, details
        from activity_log where subject_id = ${subjectId} order by id`)
  const actionsOf = async (subjectId: string) =>
    (await entriesOf(subjectId)).map(({ action }) => action)
  const entriesCount = async () =>
    (await business.db.run(sql`select count(*) as n from activity_log`))[0]
  const send = (method: string, path: string, body?: unknown, headers = {}) =>
    api.call(method, `/api/v2${path}`, {
      as: tenant.secretKey,
      ...(body !== undefined && { body }),
      headers: { 'idempotency-key': `key-${(sent += 1)}`, ...headers },
    })
  const link = { amount: { amount: 1, currency: 'GBP' } }

  it('says who did what to what, from where, and with which key', async () => {
    const { json } = await send('POST', '/payment-links', link)
    const me = await api.call('GET', '/api/v2/me', { as: tenant.secretKey })
    expect(await entriesOf(json.data.id)).to.deep.equal([
      {
        action: 'payment-link.created',
        subject_type: 'payment-link',
        subject_id: json.data.id,
        ip: '127.0.0.1',
        key: me.json.data.key.id,
        member_id: null,
        organisation_id: tenant.organisationId,
        details: {},
      },
    ])
  })

  it('tells the whole life of a link, and of a change which fields but no value', async () => {
    const { json } = await send('POST', '/payment-links', link)
    const path = `/payment-links/${json.data.id.toUpperCase()}`
    const change = { description: 'kanarie', metadata: { kanarie: 'kanarie' } }
    expect((await send('PATCH', path, change, { 'if-match': '"1"' })).status).to.equal(200)
    expect((await send('POST', `${path}/requote`, {})).status).to.equal(200)
    expect((await send('POST', `${path}/cancel`, {})).status).to.equal(200)
    expect(await actionsOf(json.data.id)).to.deep.equal([
      'payment-link.created',
      'payment-link.updated',
      'payment-link.requoted',
      'payment-link.cancelled',
    ])
    const [, updated] = await entriesOf(json.data.id)
    expect(updated?.details).to.deep.equal({ fields: ['description', 'metadata'] })
  })

  it('tells of a key being made and revoked', async () => {
    const { json } = await send('POST', '/api-keys', { kind: 'publishable', name: 'page' })
    const { id } = json.data
    expect((await send('DELETE', `/api-keys/${id.toUpperCase()}`)).status).to.equal(204)
    expect((await send('DELETE', `/api-keys/${id}`)).status).to.equal(204)
    expect(await actionsOf(id)).to.deep.equal(['api-key.created', 'api-key.revoked'])
  })

  it('keeps silent about what changed nothing: refusals, repetitions, what was so already', async () => {
    const headers = { 'idempotency-key': 'once' }
    const { json } = await send('POST', '/payment-links', link, headers)
    const path = `/payment-links/${json.data.id}`
    await send('POST', `${path}/cancel`, {})
    const before = await entriesCount()
    const answers = [
      await send('POST', '/payment-links', link, headers),
      await send('POST', `${path}/cancel`, {}),
      await send('POST', `${path}/requote`, {}),
      await send('PATCH', path, { description: 'x' }, { 'if-match': '"9"' }),
      await send('POST', '/payment-links', { amount: { amount: 1, currency: 'KWD' } }),
      await send('POST', '/api-keys', { kind: 'secret', name: '' }),
      await send('DELETE', `/api-keys/${business.random.uuid()}`),
    ]
    expect(answers.map(({ status }) => status)).to.deep.equal([201, 200, 409, 412, 503, 400, 404])
    expect(await entriesCount()).to.deep.equal(before)
  })

  it('writes its line with the effect or not at all', async () => {
    const links = async () =>
      (await business.db.run(sql`select count(*) as n from payment_links`))[0]
    const before = [await links(), await entriesCount()]
    await business.db.run(sql`alter table activity_log rename to elsewhere`)
    const refused = await send('POST', '/payment-links', link)
    await business.db.run(sql`alter table elsewhere rename to activity_log`)
    expect(refused.status).to.equal(500)
    expect([await links(), await entriesCount()]).to.deep.equal(before)
  })

  const forwarded: readonly (readonly [header: string, ip: string | null])[] = [
    ['203.0.113.9', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['2001:DB8::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['203.0.113.9:4711', null],
    ['unknown', null],
    ["'; drop table activity_log; --", null],
  ]
  for (const [header, ip] of forwarded) {
    it(`takes ${header} from a trusted proxy as ${ip ?? 'no address'}`, async () => {
      const { status, json } = await send('POST', '/payment-links', link, {
        'x-forwarded-for': header,
      })
      expect(status).to.equal(201)
      const [entry] = await entriesOf(json.data.id)
      expect(entry?.ip).to.equal(ip)
    })
  }
})
