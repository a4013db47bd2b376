import { expect } from 'chai'
import { sql } from 'kysely'
import { issueAdminToken } from '#members'
import {
  adminClient,
  headersOf,
  refusalOf,
  startAdmin,
  type AdminClient,
} from '../support/admin.ts'
import { startApi, type Api } from '../support/api.ts'
import { addTenant, openBusiness, type Business } from '../support/business.ts'

describe('keys, for operators', () => {
  let business: Business
  let organisationId: string
  let origin: string
  let tokens: Record<'viewer' | 'operator' | 'admin', string>
  let admin: AdminClient
  let api: Api

  before(async () => {
    business = await openBusiness()
    organisationId = (await addTenant(business, 'harbour')).organisationId
    origin = await startAdmin(business)
    const issue = async (role: 'viewer' | 'operator' | 'admin'): Promise<string> =>
      (await issueAdminToken(business, { name: role, role })).text
    tokens = {
      viewer: await issue('viewer'),
      operator: await issue('operator'),
      admin: await issue('admin'),
    }
    admin = adminClient(origin, tokens.admin)
    api = await startApi(business)
  })
  after(() => business.lifecycle.stop())

  const isGood = async (token: string): Promise<boolean> =>
    (await fetch(`${origin}/trpc/health.summary`, { headers: headersOf(token) })).status === 200
  const storedAs = async (text: string): Promise<readonly unknown[]> =>
    business.db.run(sql`
      select 'audit' from audit_log where audit_log::text like ${`%${text}%`}
      union all select 'answers' from admin_answers where answer like ${`%${text}%`}
      union all select 'tokens' from admin_tokens where admin_tokens::text like ${`%${text}%`}
      union all select 'keys' from api_keys where api_keys::text like ${`%${text}%`}`)

  it('are listed, issued and revoked for operators, and work and end at once', async () => {
    const { id, text } = await admin.keys.issueAdminToken.mutate({ name: ' Cleo ', role: 'viewer' })
    expect(text).to.match(/^tg_at_/)
    expect(await isGood(text)).to.equal(true)
    const listed = (await admin.keys.adminTokens.query()).tokens.find((one) => one.id === id)
    expect(listed).to.include({
      name: 'Cleo',
      role: 'viewer',
      lastFour: text.slice(-4),
      expiresAt: null,
      revokedAt: null,
    })
    await admin.keys.revokeAdminToken.mutate({ tokenId: id })
    expect(await isGood(text)).to.equal(false)
    expect(await storedAs(text)).to.deep.equal([])
  })

  it('end when they were to expire, and may go on for an overlap', async () => {
    const at = (ms: number) => new Date(business.clock.now().getTime() + ms).toISOString()
    const input = { name: 'Short', role: 'viewer', expiresAt: at(1_500) } as const
    const { text } = await admin.keys.issueAdminToken.mutate(input)
    expect(await isGood(text)).to.equal(true)
    const deadline = performance.now() + 10_000
    while (await isGood(text)) {
      expect(performance.now()).to.be.below(deadline)
    }
    const long = await admin.keys.issueAdminToken.mutate({ name: 'Long', role: 'viewer' })
    await admin.keys.revokeAdminToken.mutate({ tokenId: long.id, overlapSeconds: 600 })
    expect(await isGood(long.text)).to.equal(true)
    const past = { ...input, expiresAt: at(-1_000) }
    const refusal = await refusalOf(admin.keys.issueAdminToken.mutate(past))
    expect(refusal.data?.code).to.equal('BAD_REQUEST')
  })

  it('remember when they were used last, to the minute', async () => {
    const { id, text } = await admin.keys.issueAdminToken.mutate({ name: 'Used', role: 'viewer' })
    const usedAt = async () => {
      const { tokens: all } = await admin.keys.adminTokens.query()
      return all.find((one) => one.id === id)?.lastUsedAt
    }
    expect(await usedAt()).to.equal(null)
    await isGood(text)
    const first = await usedAt()
    expect(first).to.be.a('string')
    await isGood(text)
    expect(await usedAt()).to.equal(first)
    await business.db.run(
      sql`update admin_tokens set last_used_at = now() - interval '61 seconds' where id = ${id}`,
    )
    await isGood(text)
    expect(Date.parse((await usedAt()) ?? '')).to.be.at.least(Date.parse(first ?? ''))
  })

  it('of organisations are issued with what their kind may, and revoked', async () => {
    const input = { organisationId, kind: 'secret', name: 'till', scopes: ['fx:read'] } as const
    const { id, text } = await admin.keys.issueApiKey.mutate({
      ...input,
      scopes: [...input.scopes],
    })
    const statusAs = async (key: string) =>
      (await api.call('GET', '/api/v2/me', { as: key })).status
    expect(await statusAs(text)).to.equal(200)
    const { keys } = await admin.keys.apiKeys.query({ organisationId })
    expect(keys.find((one) => one.id === id)).to.deep.include({ name: 'till', scopes: ['fx:read'] })
    await admin.keys.revokeApiKey.mutate({ organisationId, keyId: id })
    expect(await statusAs(text)).to.equal(401)
    expect(await storedAs(text)).to.deep.equal([])
    const { records } = await admin.audit.list.query({ organisationId })
    expect(records.map(({ procedure }) => procedure)).to.deep.equal([
      'keys.revokeApiKey',
      'keys.issueApiKey',
    ])
  })

  it('are shown once: the same call with the same key has no text', async () => {
    const send = async () => {
      const answer = await fetch(`${origin}/trpc/keys.issueAdminToken`, {
        method: 'POST',
        headers: {
          ...headersOf(tokens.admin),
          'content-type': 'application/json',
          'idempotency-key': 'once',
        },
        body: '{"name":"Once","role":"viewer"}',
      })
      const json: any = await answer.json()
      return json.result.data
    }
    const first = await send()
    expect(await send()).to.deep.equal({ id: first.id, text: null })
    expect(await storedAs(first.text)).to.deep.equal([])
  })

  for (const role of ['viewer', 'operator'] as const) {
    it(`are not for a ${role} to give or to end`, async () => {
      const client = adminClient(origin, tokens[role])
      const [one] = (await client.keys.adminTokens.query()).tokens
      const tokenId = one?.id ?? ''
      const calls = [
        client.keys.issueAdminToken.mutate({ name: 'x', role: 'admin' }),
        client.keys.revokeAdminToken.mutate({ tokenId }),
        client.keys.issueApiKey.mutate({ organisationId, kind: 'secret', name: 'x' }),
        client.keys.revokeApiKey.mutate({ organisationId, keyId: tokenId }),
      ]
      const refusals = await Promise.all(calls.map(refusalOf))
      expect(refusals.map(({ data }) => data?.code)).to.deep.equal(calls.map(() => 'FORBIDDEN'))
    })
  }

  it('of an organisation that is not there are not made', async () => {
    const nowhere = '01900000-0000-7000-8000-000000000000'
    const made = admin.keys.issueApiKey.mutate({
      organisationId: nowhere,
      kind: 'secret',
      name: 'x',
    })
    expect((await refusalOf(made)).data?.code).to.equal('NOT_FOUND')
    const ended = admin.keys.revokeAdminToken.mutate({ tokenId: nowhere })
    expect((await refusalOf(ended)).data?.code).to.equal('NOT_FOUND')
  })
})
