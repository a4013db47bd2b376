import { once } from 'node:events'
import { createServer } from 'node:http'
import { expect } from 'chai'
import { sql } from 'kysely'
import { startApi, type Api } from '../support/api.ts'
import {
  addMember,
  addTenant,
  ecbRates,
  fxOptions,
  openBusiness,
  publishRates,
  type Business,
  type Tenant,
} from '../support/business.ts'
import { recordStatements } from '../support/statements.ts'

describe('creating a payment link', () => {
  let business: Business
  let tenant: Tenant
  let api: Api
  let statements: ReturnType<typeof recordStatements>
  let keys = 0

  before(async () => {
    business = await openBusiness({ fx: { providers: ['ecb'] } })
    statements = recordStatements(business.db)
    tenant = await addTenant(business, 'harbour')
    await publishRates(business, ecbRates)
    api = await startApi(business)
  })
  after(() => business.lifecycle.stop())

  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    api.call('POST', `/api/v2/payment-links${path}`, {
      as: tenant.secretKey,
      body,
      headers: { 'idempotency-key': `key-${(keys += 1)}`, ...headers },
    })
  const get = (path: string) =>
    api.call('GET', `/api/v2/payment-links${path}`, { as: tenant.secretKey })
  const counts = async () => {
    const [row] = await business.db.run(sql<Record<string, string>>`
      select (select count(*) from payment_links) as links, (select count(*) from payment_link_items) as items,
             (select count(*) from payment_events) as events, (select count(*) from fx_snapshots) as snapshots,
             (select count(*) from outbox_events) as outbox, (select count(*) from idempotency_keys) as keys`)
    return row
  }

  it('writes link, items, event, four rates and the outbox row, and answers as a read does', async () => {
    const items = [
      { name: 'Lantern', quantity: 2, unitAmount: 500 },
      { name: 'Ribbon', quantity: 1, unitAmount: 50 },
    ]
    statements.sent.length = 0
    const { status, headers, json } = await post('', { currency: 'GBP', items, reference: 'INV-1' })
    expect(status).to.equal(201)
    expect(json.data.amount).to.deep.equal({ amount: 1050, currency: 'GBP', exponent: 2 })
    expect(headers.get('location')).to.equal(`/api/v2/payment-links/${json.data.id}`)
    expect(statements.count('insert into fx_snapshots')).to.equal(1)
    const { id } = json.data
    expect((await get(`/${id}`)).json).to.deep.equal(json)
    expect((await get(`/${id}/items`)).json.data).to.have.length(2)
    expect((await get(`/${id}/events`)).json.data.map((event: any) => event.type)).to.deep.equal([
      'created',
    ])
    const snapshots = (await get(`/${id}/fx-snapshots`)).json.data
    expect(snapshots.map((one: any) => one.asset).toSorted()).to.deep.equal([
      'AUD',
      'EUR',
      'JPY',
      'USD',
    ])
    expect(new Set(snapshots.map((one: any) => one.capturedAt)).size).to.equal(1)
    expect(new Set(snapshots.map((one: any) => one.setId))).to.deep.equal(
      new Set([json.data.fxSetId]),
    )
    const yen = snapshots.find((one: any) => one.asset === 'JPY')
    expect([yen.currencyLeg, yen.assetLeg, yen.rate]).to.deep.equal([
      '0.87058',
      '186.75',
      '214.512164304257',
    ])
    // 10.50 GBP x 214.512164304257 = 2252.37…, and yen have no minor unit
    expect(yen.amount).to.deep.equal({ amount: 2252, currency: 'JPY', exponent: 0 })
    const outbox = await business.db.run(
      sql`select topic from outbox_events where aggregate_id = ${id}`,
    )
    expect(outbox).to.deep.equal([{ topic: 'payment-link.created' }])
  })

  it('keeps what the caller sends out of the text of every statement', async () => {
    statements.sent.length = 0
    const canary = "Ann O'Neill 4929"
    const { status } = await post('', {
      amount: { amount: 1, currency: 'GBP' },
      description: canary,
      metadata: { name: canary },
      items: [{ name: canary, quantity: 1, unitAmount: 1 }],
    })
    expect(status).to.equal(201)
    expect(statements.sent.length).to.be.greaterThan(5)
    expect(statements.sent.filter(({ text }) => text.includes('Neill'))).to.deep.equal([])
    const bound = statements.sent.filter(({ values }) =>
      values.some((one) => String(one).includes('Neill')),
    )
    expect(bound.length).to.be.greaterThan(2)
  })

  it('writes nothing at all when a rate is missing, and says which', async () => {
    const before = await counts()
    const { status, headers, json } = await post('', { amount: { amount: 1, currency: 'KWD' } })
    expect([status, json.type, json.retryable]).to.deep.equal([
      503,
      `${api.origin}/problems/fx/rate-unavailable`,
      true,
    ])
    expect(json.detail).to.include('KWD/EUR is missing')
    expect(headers.get('retry-after')).to.match(/^\d+$/)
    expect(await counts()).to.deep.equal(before)
  })

  it('refuses rates that are too old, unless the caller takes them marked as stale', async () => {
    const old = await openBusiness({ fx: { providers: ['ecb'] } })
    try {
      const owner = await addTenant(old, 'sleepy')
      await publishRates(old, ecbRates, new Date(Date.now() - 9 * 86_400_000))
      const other = await startApi(old)
      const ask = (key: string, body: object) =>
        other.call('POST', '/api/v2/payment-links', {
          as: owner.secretKey,
          body: { amount: { amount: 1, currency: 'GBP' }, ...body },
          headers: { 'idempotency-key': key },
        })
      const refused = await ask('a', {})
      expect(refused.status).to.equal(503)
      expect(refused.json.detail).to.match(/GBP\/USD is \d+ s old, at most 518400 s are allowed/)
      const taken = await ask('b', { allowStaleRates: true })
      expect(taken.status).to.equal(201)
      const path = `/api/v2/payment-links/${taken.json.data.id}/fx-snapshots`
      const { json } = await other.call('GET', path, { as: owner.secretKey })
      expect(json.data.map((one: any) => one.isStale)).to.deep.equal([true, true, true, true])
    } finally {
      await old.lifecycle.stop()
    }
  })

  it('asks the provider once when ten creations need a rate that is not there, also those that come while it is stored', async () => {
    let calls = 0
    const day = new Date().toISOString().slice(0, 10)
    const legs = Object.entries({ ...ecbRates, KWD: '0.3583' })
    const cubes = legs.map(([currency, rate]) => `<Cube currency='${currency}' rate='${rate}'/>`)
    const bank = createServer((_request, response) => {
      calls += 1
      response.setHeader('content-type', 'text/xml')
      response.end(
        `<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref"><Cube><Cube time='${day}'>${cubes.join('')}</Cube></Cube></gesmes:Envelope>`,
      )
    }).listen(0, '127.0.0.1')
    await once(bank, 'listening')
    const address = bank.address()
    const port = typeof address === 'object' ? address?.port : 0
    const sources = {
      ...fxOptions.sources,
      ecb: { ...fxOptions.sources.ecb, dailyUrl: `http://127.0.0.1:${port}/` },
    }
    // As in production: one that looks before the rates are stored and asks after that finds them asked for already.
    const askAgainMs = 30_000
    const fresh = await openBusiness({ fx: { providers: ['ecb'], sources, askAgainMs } })
    try {
      const owner = await addTenant(fresh, 'newcomer')
      const other = await startApi(fresh)
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          other.call('POST', '/api/v2/payment-links', {
            as: owner.secretKey,
            body: { amount: { amount: 1000, currency: 'KWD' } },
            headers: { 'idempotency-key': `n${index}` },
          }),
        ),
      )
      expect(answers.map(({ status }) => status)).to.deep.equal(Array(10).fill(201))
      expect(calls).to.equal(1)
    } finally {
      await fresh.lifecycle.stop()
      bank.close()
    }
  })

  it('keeps references unique within an organisation, and free in another', async () => {
    const amount = { amount: 1, currency: 'GBP' }
    expect((await post('', { amount, reference: 'TWICE' })).status).to.equal(201)
    const again = await post('', { amount, reference: 'TWICE' })
    expect([again.status, again.json.errors[0].pointer]).to.deep.equal([409, '#/reference'])
    const other = await addTenant(business, 'inland')
    const { status } = await api.call('POST', '/api/v2/payment-links', {
      as: other.secretKey,
      body: { amount, reference: 'TWICE' },
      headers: { 'idempotency-key': 'other' },
    })
    expect(status).to.equal(201)
  })

  it('lets a member see its own links only, and write none', async () => {
    const mine = await addMember(business, tenant.organisationId, 'mine@example.com')
    const other = await addMember(business, tenant.organisationId, 'other@example.com')
    const amount = { amount: 1, currency: 'GBP' }
    const { json } = await post('', { amount, memberId: mine.memberId.toUpperCase() })
    const read = (as: string) => api.call('GET', '/api/v2/payment-links', { as })
    expect((await read(mine.token)).json.data.map((one: any) => one.id)).to.deep.equal([
      json.data.id,
    ])
    expect((await read(other.token)).json.data).to.deep.equal([])
    const hidden = `/api/v2/payment-links/${json.data.id}`
    for (const path of [hidden, `${hidden}/events`, `${hidden}/fx-snapshots`]) {
      expect((await api.call('GET', path, { as: other.token })).status).to.equal(404)
      expect((await api.call('GET', path, { as: mine.token })).status).to.equal(200)
    }
    const write = await api.call('POST', '/api/v2/payment-links', {
      as: mine.token,
      body: { amount },
    })
    expect(write.status).to.equal(403)
  })

  it('refuses a member or an asset that is not the organisation’s', async () => {
    const amount = { amount: 1, currency: 'GBP' }
    const abroad = await addTenant(business, 'abroad')
    const { memberId } = await addMember(business, abroad.organisationId, 'abroad@example.com')
    const member = await post('', { amount, memberId })
    expect([member.status, member.json.errors[0].pointer]).to.deep.equal([400, '#/memberId'])
    const asset = await post('', { amount, acceptedAssets: ['EUR', 'CHF'] })
    expect([asset.status, asset.json.errors[0].pointer]).to.deep.equal([400, '#/acceptedAssets/1'])
  })

  it('freezes four new rates at a requote and leaves the old ones', async () => {
    const { json } = await post('', {
      amount: { amount: 999, currency: 'USD' },
      rateLockSeconds: 60,
    })
    const requoted = await post(`/${json.data.id}/requote`, {})
    expect(requoted.status).to.equal(200)
    expect(requoted.json.data.fxSetId).to.not.equal(json.data.fxSetId)
    expect(requoted.json.data.version).to.equal(json.data.version + 1)
    const snapshots = (await get(`/${json.data.id}/fx-snapshots`)).json.data
    const types = snapshots.map((one: any) => one.type).toSorted()
    expect(types).to.deep.equal([...Array(4).fill('creation'), ...Array(4).fill('requote')])
    const [newest] = snapshots
    const lockMs = Date.parse(newest.lockExpiresAt) - Date.parse(newest.capturedAt)
    expect(lockMs).to.equal(60_000)
  })

  it('cancels what is not paid, once, and changes nothing that is closed', async () => {
    const { json } = await post('', { amount: { amount: 1, currency: 'GBP' } })
    const first = await post(`/${json.data.id}/cancel`, {})
    const second = await post(`/${json.data.id}/cancel`, {})
    expect([first.json.data.status, second.json.data]).to.deep.equal(['cancelled', first.json.data])
    const events = (await get(`/${json.data.id}/events`)).json.data
    expect(events.map((one: any) => one.type)).to.deep.equal(['cancelled', 'created'])
    expect((await post(`/${json.data.id}/requote`, {})).status).to.equal(409)
    await business.db.run(sql`update payment_links set status = 'paid' where id = ${json.data.id}`)
    const paid = await post(`/${json.data.id}/cancel`, {})
    expect([paid.status, paid.json.linkStatus]).to.deep.equal([409, 'paid'])
  })

  it('changes a link only at the version that the caller has read', async () => {
    const { json } = await post('', { amount: { amount: 1, currency: 'GBP' }, description: 'old' })
    const patch = (body: unknown, match?: string) =>
      api.call('PATCH', `/api/v2/payment-links/${json.data.id}`, {
        as: tenant.secretKey,
        body,
        headers: match === undefined ? {} : { 'if-match': match },
      })
    expect((await patch({ description: 'new' })).status).to.equal(428)
    expect((await patch({ description: 'new' }, '"9"')).status).to.equal(412)
    expect((await patch({ description: 'new' }, 'W/"1"')).status).to.equal(412)
    const changed = await patch({ description: 'new', reference: 'R-9' }, '"1"')
    expect(changed.json.data).to.include({ description: 'new', reference: 'R-9', version: 2 })
    expect((await patch({ description: 'late' }, '"1"')).status).to.equal(412)
    expect((await patch({ amount: { amount: 2, currency: 'GBP' } }, '"2"')).status).to.equal(409)
    const cleared = await patch({ reference: null }, '"2"')
    expect(cleared.json.data).to.include({ reference: null, description: 'new', version: 3 })
  })

  it('prices a draft anew, with four rates for the new amount, and opens it', async () => {
    const { json } = await post('', { amount: { amount: 100, currency: 'GBP' }, status: 'draft' })
    const { status, json: changed } = await api.call(
      'PATCH',
      `/api/v2/payment-links/${json.data.id}`,
      {
        as: tenant.secretKey,
        body: { amount: { amount: 200, currency: 'USD' }, status: 'open' },
        headers: { 'if-match': '"1"' },
      },
    )
    expect(status).to.equal(200)
    expect(changed.data).to.deep.include({ status: 'open', currency: 'USD' })
    const search = `?setId=${changed.data.fxSetId}`
    const { data } = (await get(`/${json.data.id}/fx-snapshots${search}`)).json
    expect(data.map((one: any) => one.currency)).to.deep.equal(['USD', 'USD', 'USD', 'USD'])
  })

  it('keeps the amount of a link that has items, which add up to it', async () => {
    const items = [{ name: 'Lantern', quantity: 1, unitAmount: 500 }]
    const { json } = await post('', { currency: 'GBP', items, status: 'draft' })
    const answer = await api.call('PATCH', `/api/v2/payment-links/${json.data.id}`, {
      as: tenant.secretKey,
      body: { amount: { amount: 500, currency: 'USD' } },
      headers: { 'if-match': '"1"' },
    })
    expect([answer.status, answer.json.errors[0].pointer]).to.deep.equal([409, '#/amount'])
    expect((await get(`/${json.data.id}`)).json).to.deep.equal(json)
  })

  describe('with an Idempotency-Key', () => {
    const body = { amount: { amount: 77, currency: 'GBP' } }

    it('has its effect once and repeats its answer word for word', async () => {
      const first = await post('', body, { 'idempotency-key': '"once"' })
      const before = await counts()
      const again = await post(
        '',
        { amount: { currency: 'GBP', amount: 77 } },
        { 'idempotency-key': 'once' },
      )
      expect([again.status, again.text]).to.deep.equal([first.status, first.text])
      expect(again.headers.get('idempotent-replayed')).to.equal('true')
      expect(first.headers.get('idempotent-replayed')).to.equal(null)
      expect(again.headers.get('location')).to.equal(first.headers.get('location'))
      expect(await counts()).to.deep.equal(before)
    })

    it('refuses the key with another request, without it, and with a bad one', async () => {
      await post('', body, { 'idempotency-key': 'mine' })
      const other = { amount: { amount: 78, currency: 'GBP' } }
      expect((await post('', other, { 'idempotency-key': 'mine' })).status).to.equal(422)
      const missing = await api.call('POST', '/api/v2/payment-links', {
        as: tenant.secretKey,
        body,
      })
      expect(missing.status).to.equal(400)
      for (const bad of ['""', 'x'.repeat(256), '"a"b"']) {
        expect((await post('', body, { 'idempotency-key': bad })).status).to.equal(400)
      }
    })

    it('belongs to one organisation and one route', async () => {
      const other = await addTenant(business, 'key-owner')
      const call = (as: string) =>
        api.call('POST', '/api/v2/payment-links', {
          as,
          body,
          headers: { 'idempotency-key': 'shared' },
        })
      const [one, two] = [await call(tenant.secretKey), await call(other.secretKey)]
      expect([one.status, two.status]).to.deep.equal([201, 201])
      expect(one.json.data.id).to.not.equal(two.json.data.id)
    })

    it('has one effect when twenty come at once: each is answered from the first, or told to wait', async () => {
      const before = Number((await counts())?.['links'])
      const attempts = Array.from({ length: 20 }, () =>
        post('', body, { 'idempotency-key': 'rush' }),
      )
      const answers = await Promise.all(attempts)
      const statuses = new Set(answers.map(({ status }) => status))
      expect([...statuses].every((status) => status === 201 || status === 409)).to.equal(true)
      expect(Number((await counts())?.['links'])).to.equal(before + 1)
      const ids = new Set(
        answers.filter(({ status }) => status === 201).map(({ json }) => json.data.id),
      )
      expect(ids.size).to.equal(1)
      expect((await post('', body, { 'idempotency-key': 'rush' })).json.data.id).to.equal(
        [...ids][0],
      )
    })
  })
})
