import { expect } from 'chai'
import { sql } from 'kysely'
import { issueApiKey, recogniseCredential, scopes, type Scope } from '#members'
import { startApi, type Answer, type Api } from '../support/api.ts'
import {
  addMember,
  addTenant,
  openBusiness,
  type Business,
  type Tenant,
} from '../support/business.ts'

const path = '/api/v2/api-keys'

describe('API keys', () => {
  let business: Business
  let tenant: Tenant
  let api: Api
  let sent = 0

  before(async () => {
    business = await openBusiness()
    tenant = await addTenant(business, 'harbour')
    api = await startApi(business)
  })
  after(() => business.lifecycle.stop())

  const post = (body: unknown, as = tenant.secretKey, key = `key-${(sent += 1)}`) =>
    api.call('POST', path, { as, body, headers: { 'idempotency-key': key } })
  const remove = (id: string, as = tenant.secretKey) => api.call('DELETE', `${path}/${id}`, { as })
  const meOf = (as: string) => api.call('GET', '/api/v2/me', { as })
  const narrow = async (held: readonly Scope[]): Promise<string> => {
    const { organisationId } = tenant
    const key = { organisationId, kind: 'secret', name: 'narrow', scopes: held } as const
    return (await issueApiKey(business, key)).text
  }
  const pointers = ({ json }: Answer) => json.errors?.map((one: any) => one.pointer)
  const keysStored = async (): Promise<unknown> =>
    (await business.db.run(sql`select count(*) as n from api_keys`))[0]
  const comparable = ({ status, json }: Answer): unknown => {
    const { requestId: _, instance: __, ...rest } = json
    return { status, ...rest }
  }

  describe('when one is made', () => {
    it('shows the key, which works at once and is what was asked for', async () => {
      const expiresAt = '2099-01-01T00:00:00.000Z'
      const { status, headers, json } = await post({
        kind: 'secret',
        name: ' till 4 ',
        scopes: ['fx:read', 'api-keys:read'],
        expiresAt: '2099-01-01T01:00:00+01:00',
      })
      expect(status).to.equal(201)
      expect(headers.get('location')).to.equal(`${path}/${json.data.id}`)
      expect(headers.get('cache-control')).to.equal('no-store')
      const { key, createdAt, ...item } = json.data
      expect(Date.parse(createdAt)).to.be.closeTo(Date.now(), 60_000)
      expect(item).to.deep.equal({
        id: item.id,
        kind: 'secret',
        name: 'till 4',
        memberId: null,
        prefix: 'tg_sk_',
        lastFour: key.slice(-4),
        scopes: ['fx:read', 'api-keys:read'].toSorted(byOrder),
        class: 'standard',
        expiresAt,
        revokedAt: null,
      })
      const { key: known } = (await meOf(key)).json.data
      expect(known).to.deep.include({ id: item.id, name: 'till 4', scopes: item.scopes, expiresAt })
    })

    it('gives all that the kind may have where nothing narrower is asked for', async () => {
      const secret = await post({ kind: 'secret', name: 'a' })
      expect(secret.json.data.scopes).to.deep.equal(scopes)
      const publishable = await post({ kind: 'publishable', name: 'b', expiresAt: null })
      expect(publishable.json.data).to.deep.include({
        scopes: ['fx:read', 'catalogue:read', 'contents:read'],
        expiresAt: null,
      })
      expect(recogniseCredential(publishable.json.data.key)?.kind).to.equal('publishable')
    })

    it('gives no more than the calling key holds, asked for or not', async () => {
      const as = await narrow(['api-keys:write', 'fx:read'])
      const all = await post({ kind: 'secret', name: 'a' }, as)
      expect(all.json.data.scopes.toSorted()).to.deep.equal(['api-keys:write', 'fx:read'])
      const keysOnly = await narrow(['api-keys:write'])
      const before = await keysStored()
      const wanted = ['fx:read', 'payment-links:write', 'ledger:read']
      const more = await post({ kind: 'secret', name: 'b', scopes: wanted }, as)
      expect([more.status, pointers(more)]).to.deep.equal([403, ['#/scopes/1', '#/scopes/2']])
      expect((await post({ kind: 'publishable', name: 'c' }, keysOnly)).status).to.equal(403)
      expect(await keysStored()).to.deep.equal(before)
    })

    it('needs api-keys:write, which neither a page nor a member has', async () => {
      const { token } = await addMember(business, tenant.organisationId, 'a@example.org')
      const reader = await narrow(scopes.filter((scope) => scope !== 'api-keys:write'))
      for (const as of [tenant.publishableKey, token, reader]) {
        expect((await post({ kind: 'publishable', name: 'x' }, as)).status).to.equal(403)
        expect((await remove(business.random.uuid(), as)).status).to.equal(403)
      }
    })

    const good = { kind: 'secret', name: 'till' }
    const bad: readonly (readonly [name: string, body: unknown, pointers: readonly string[]])[] = [
      ['nothing', {}, ['#/kind', '#/name']],
      ['a list', [], ['#']],
      ['a member token', { ...good, kind: 'member' }, ['#/kind']],
      ['an admin token', { ...good, kind: 'admin' }, ['#/kind']],
      ['an empty name', { ...good, name: '' }, ['#/name']],
      ['a blank name', { ...good, name: ' \n\t ' }, ['#/name']],
      ['a name of 101 characters', { ...good, name: 'x'.repeat(101) }, ['#/name']],
      ['a name of 10 kB', { ...good, name: 'é'.repeat(5_000) }, ['#/name']],
      ['a name with NUL', { ...good, name: 'a\0b' }, ['#']],
      ['a name that is no text', { ...good, name: { $ne: null } }, ['#/name']],
      ['an unknown scope', { ...good, scopes: ['fx:read', 'root'] }, ['#/scopes/1']],
      ['no scope at all', { ...good, scopes: [] }, ['#/scopes']],
      ['a scope twice', { ...good, scopes: ['fx:read', 'fx:read'] }, ['#/scopes']],
      ['scopes that are a text', { ...good, scopes: 'fx:read' }, ['#/scopes']],
      [
        'scopes that a page may not have',
        { ...good, kind: 'publishable', scopes: ['fx:read', 'api-keys:write'] },
        ['#/scopes/1'],
      ],
      ['an end in the past', { ...good, expiresAt: '2020-01-01T00:00:00Z' }, ['#/expiresAt']],
      ['an end without a zone', { ...good, expiresAt: '2099-01-01T00:00:00' }, ['#/expiresAt']],
      ['an end that is a number', { ...good, expiresAt: 4_000_000_000 }, ['#/expiresAt']],
      ['a class', { ...good, class: 'unlimited' }, ['#/class']],
      ['an organisation', { ...good, organisationId: 'x' }, ['#/organisationId']],
      ['a secret of its own', { ...good, key: 'tg_sk_x' }, ['#/key']],
    ]
    for (const [name, body, expected] of bad) {
      it(`refuses ${name}`, async () => {
        const before = await keysStored()
        const answer = await post(body)
        expect([answer.status, pointers(answer)]).to.deep.equal([400, expected])
        expect(await keysStored()).to.deep.equal(before)
      })
    }

    it('needs an Idempotency-Key', async () => {
      const answer = await api.call('POST', path, { as: tenant.secretKey, body: good })
      expect(answer.status).to.equal(400)
    })

    it('makes one key of a repeated request and shows its text only once', async () => {
      const first = await post(good, tenant.secretKey, 'once')
      const before = await keysStored()
      const again = await post(good, tenant.secretKey, 'once')
      expect([again.status, again.headers.get('idempotent-replayed')]).to.deep.equal([201, 'true'])
      expect(again.json).to.deep.equal({ data: { ...first.json.data, key: null } })
      expect(again.headers.get('location')).to.equal(first.headers.get('location'))
      expect(await keysStored()).to.deep.equal(before)
    })

    it('leaves the text of the key in no table', async () => {
      const { json } = await post({ ...good, name: 'searched for' })
      const secret = json.data.key.slice('tg_sk_'.length, -'checks'.length)
      const tables = await business.db.run(sql<{ name: string }>`
        select tablename as name from pg_tables where schemaname = 'public'`)
      const holding = async (text: string): Promise<readonly string[]> => {
        const found = await Promise.all(
          tables.map(async ({ name }) => {
            const rows = await business.db.run(sql`
              select 1 from ${sql.table(name)} as t
               where strpos(to_jsonb(t)::text, ${text}) > 0 or strpos(to_jsonb(t)::text, ${hex(text)}) > 0 limit 1`)
            return rows.length > 0 ? [name] : []
          }),
        )
        return found.flat()
      }
      expect((await holding('searched for')).toSorted()).to.deep.equal([
        'api_keys',
        'idempotency_keys',
      ])
      expect(await holding(secret)).to.deep.equal([])
      expect(await holding(secret.slice(0, 12))).to.deep.equal([])
    })
  })

  describe('when one is revoked', () => {
    it('ends it at once, says nothing, and does nothing more the second time', async () => {
      const { json } = await post({ kind: 'secret', name: 'lost' })
      const { id, key } = json.data
      expect((await meOf(key)).status).to.equal(200)
      const first = await remove(id.toUpperCase())
      expect([first.status, first.text, first.headers.get('content-type')]).to.deep.equal([
        204,
        '',
        null,
      ])
      expect((await meOf(key)).status).to.equal(401)
      const read = () => api.call('GET', `${path}/${id}`, { as: tenant.secretKey })
      const revoked = (await read()).json
      expect(Date.parse(revoked.data.revokedAt)).to.be.closeTo(Date.now(), 60_000)
      expect((await remove(id)).status).to.equal(204)
      expect((await read()).json).to.deep.equal(revoked)
    })

    it('may be the key that asks for it', async () => {
      const { json } = await post({ kind: 'secret', name: 'last act' })
      expect((await remove(json.data.id, json.data.key)).status).to.equal(204)
      expect((await remove(json.data.id, json.data.key)).status).to.equal(401)
    })

    it('is missing word for word when it is another organisation’s, and stays good', async () => {
      const theirs = await addTenant(business, 'inland')
      const { key } = (await meOf(theirs.secretKey)).json.data
      const answers = await Promise.all(
        [key.id, business.random.uuid(), 'nothing', "1' or '1'='1", '%00'].map((id) => remove(id)),
      )
      answers.push(await api.call('GET', `${path}/${key.id}`, { as: tenant.secretKey }))
      for (const answer of answers) {
        expect(answer.status).to.equal(404)
        expect(comparable(answer)).to.deep.equal(comparable(answers[0] ?? answer))
      }
      expect((await meOf(theirs.secretKey)).status).to.equal(200)
    })

    it('says which methods the address has', async () => {
      const answer = await api.call('PUT', `${path}/${business.random.uuid()}`, {
        as: tenant.secretKey,
      })
      expect([answer.status, answer.headers.get('allow')?.includes('DELETE')]).to.deep.equal([
        405,
        true,
      ])
    })
  })
})

const byOrder = (one: string, other: string): number =>
  scopes.findIndex((scope) => scope === one) - scopes.findIndex((scope) => scope === other)

const hex = (text: string): string => Buffer.from(text).toString('hex')
