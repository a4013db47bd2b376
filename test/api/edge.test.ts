import { expect } from 'chai'
import { once } from 'node:events'
import { connect } from 'node:net'
import { issueAdminToken } from '#members'
import { startApi, type Api } from '../support/api.ts'
import {
  addTenant,
  ecbRates,
  openBusiness,
  publishRates,
  type Business,
  type Tenant,
} from '../support/business.ts'
import { addLinks } from '../support/links.ts'
import { receive } from '../support/wire.ts'

describe('the edge', () => {
  let business: Business
  let ours: Tenant
  let theirs: Tenant
  let linkId: string
  let path: string
  let api: Api

  before(async () => {
    business = await openBusiness({ fx: { providers: ['ecb'] } })
    await publishRates(business, ecbRates)
    ours = await addTenant(business, 'harbour')
    theirs = await addTenant(business, 'inland')
    linkId = (await addLinks(business, ours, 3))[0] ?? ''
    await addLinks(business, theirs, 1)
    path = '/api/v2/payment-links?limit=2'
    api = await startApi(business, { cache: { tiers: 'memory' }, isCaughtUp: true })
  })
  after(() => business.lifecycle.stop())

  /** How many of the requests that the work sends are answered before routing. */
  async function edged(work: () => Promise<unknown>): Promise<number> {
    const before = api.slice.figures.edgeCount
    await work()
    return api.slice.figures.edgeCount - before
  }

  const get = (of: string, as: string) => api.call('GET', of, { as })

  /** Asks until the edge answers. */
  async function warm(of: string, as: string): Promise<void> {
    await get(of, as)
    await get(of, as)
    expect(await edged(() => get(of, as))).to.equal(1)
  }

  it('answers the third time: the first fetched, the second was remembered', async () => {
    const of = `${path}&sort=createdAt`
    const counts = []
    for (let turn = 0; turn < 4; turn += 1) {
      counts.push(await edged(() => get(of, ours.secretKey)))
    }
    expect(counts).to.deep.equal([0, 0, 1, 1])
  })

  it('gives a request the same id to its answer that nobody else has', async () => {
    await warm(path, ours.secretKey)
    const ids = []
    for (let turn = 0; turn < 3; turn += 1) {
      ids.push((await get(path, ours.secretKey)).headers.get('request-id'))
    }
    expect(new Set(ids).size).to.equal(3)
  })

  it('shows a change to the very next reader after it was acknowledged', async () => {
    const one = `/api/v2/payment-links/${linkId}`
    await warm(one, ours.secretKey)
    await api.call('PATCH', one, {
      as: ours.secretKey,
      body: { description: 'changed' },
      headers: { 'if-match': '"1"' },
    })
    const { json } = await get(one, ours.secretKey)
    expect(json.data.description).to.equal('changed')
  })

  it('refuses a key from the moment on at which it was revoked', async () => {
    const { json } = await api.call('POST', '/api/v2/api-keys', {
      as: ours.secretKey,
      body: { name: 'short-lived', kind: 'secret', scopes: ['payment-links:read'] },
      headers: { 'idempotency-key': 'edge-key' },
    })
    await warm(path, json.data.key)
    await api.call('DELETE', `/api/v2/api-keys/${json.data.id}`, { as: ours.secretKey })
    const counted = await edged(async () => {
      expect((await get(path, json.data.key)).status).to.equal(401)
    })
    expect(counted).to.equal(0)
  })

  it('gives each organisation its own answer under the same URL', async () => {
    await warm(path, ours.secretKey)
    await warm(path, theirs.secretKey)
    const [one, other] = [await get(path, ours.secretKey), await get(path, theirs.secretKey)]
    expect(one.json.data).to.have.length(2)
    expect(other.json.data).to.have.length(1)
    expect(one.text).not.to.include(other.json.data[0].id)
  })

  it('leaves what it does not know to Express', async () => {
    await warm(path, ours.secretKey)
    const authorization = `Bearer ${ours.secretKey}`
    const issued = await issueAdminToken(business, { name: 'ops', role: 'operator' })
    const unusual: Readonly<Record<string, string>>[] = [
      { 'operator-authorization': `Bearer ${issued.text}` },
      { 'consistency-token': 'v1.x' },
      { cookie: 'consistency-token=old' },
      { 'content-length': '0' },
      { expect: 'something' },
    ]
    for (const headers of unusual) {
      const counted = await edged(() =>
        receive(`${api.origin}${path}`, { authorization, ...headers }),
      )
      expect(counted, JSON.stringify(headers)).to.equal(0)
    }
    const head = () => receive(`${api.origin}${path}`, { authorization }, 'HEAD')
    expect(await edged(head)).to.equal(0)
    expect((await head()).status).to.equal(200)
  })

  it('leaves a header that came twice, and another version of HTTP, to Express', async () => {
    await warm(path, ours.secretKey)
    const key = `Authorization: Bearer ${ours.secretKey}\r\n`
    const { port, hostname } = new URL(api.origin)
    for (const [lines, status] of [
      [`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${key}${key}\r\n`, 400],
      [`GET ${path} HTTP/1.1\r\nConnection: close\r\n${key}\r\n`, 400],
      [`GET ${path} HTTP/1.0\r\nHost: a\r\n${key}\r\n`, 200],
    ] as const) {
      const counted = await edged(async () => {
        const socket = connect(Number(port), hostname)
        socket.write(lines)
        const [bytes] = await once(socket, 'data')
        expect(String(bytes)).to.match(new RegExp(`^HTTP/1.1 ${status} `))
        socket.destroy()
      })
      expect(counted).to.equal(0)
    }
  })

  it('counts and times what it answers like everything else', async () => {
    await warm(path, ours.secretKey)
    const { figures } = api.slice
    const counted = (): number =>
      figures
        .series('GET', '/api/v2/payment-links', 200)
        .counts.reduce((sum, count) => sum + count, 0)
    const before = counted()
    await get(path, ours.secretKey)
    expect(counted()).to.equal(before + 1)
  })

  it('remembers no URL that is longer than those of clients that ask again', async () => {
    const long = `${path}&reference=${'x'.repeat(60)}${'&'.repeat(3_000)}`
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await edged(() => get(long, ours.secretKey))).to.equal(0)
    }
    expect(api.slice.recordings.find(`Bearer ${ours.secretKey}`, long)).to.equal(undefined)
  })
})
