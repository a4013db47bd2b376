import { expect } from 'chai'
import { once } from 'node:events'
import { connect } from 'node:net'
import { issueAdminToken } from '#members'
import { startApi, type Api } from '../support/api.ts'
import { addTenant, type Business, type Tenant } from '../support/business.ts'
import { openHarbour } from '../support/harbour.ts'
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
    const harbour = await openHarbour({ cache: { tiers: 'memory' }, isCaughtUp: true }, 3)
    ;({ business, tenant: ours, api } = harbour)
    theirs = await addTenant(business, 'inland')
    await addLinks(business, theirs, 1)
    path = '/api/v2/payment-links?limit=2'
    linkId = (await get('/api/v2/payment-links?limit=1', ours.secretKey)).json.data[0].id
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
    const plain = { authorization: `Bearer ${ours.secretKey}`, connection: 'keep-alive' }
    const issued = await issueAdminToken(business, { name: 'ops', role: 'operator' })
    const unusual: Readonly<Record<string, string>>[] = [
      { 'operator-authorization': `Bearer ${issued.text}` },
      { 'consistency-token': 'v1.x' },
      { cookie: 'consistency-token=old' },
      { 'content-length': '0' },
      { expect: 'something' },
    ]
    await receive(`${api.origin}${path}`, plain) // without the codings of other clients
    expect(await edged(() => receive(`${api.origin}${path}`, plain))).to.equal(1)
    for (const headers of unusual) {
      const counted = await edged(() => receive(`${api.origin}${path}`, { ...plain, ...headers }))
      expect(counted, JSON.stringify(headers)).to.equal(0)
    }
    const head = () => receive(`${api.origin}${path}`, plain, 'HEAD')
    expect(await edged(head)).to.equal(0)
    expect((await head()).status).to.equal(200)
  })

  it('leaves a header that came twice, and another version of HTTP, to Express', async () => {
    await warm(path, ours.secretKey)
    const authorization = `Bearer ${ours.secretKey}`
    await receive(`${api.origin}${path}`, { authorization }) // without the codings of other clients
    const key = `Authorization: Bearer ${ours.secretKey}\r\n`
    const { port, hostname } = new URL(api.origin)
    for (const [lines, status, count] of [
      [`GET ${path} HTTP/1.1\r\nHost: a\r\n${key}\r\n`, 200, 1],
      [`GET ${path} HTTP/1.1\r\nHost: a\r\n${key}${key}\r\n`, 400, 0],
      [`GET ${path} HTTP/1.1\r\n${key}\r\n`, 400, 0],
      [`GET ${path} HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n${key}\r\n`, 200, 0],
    ] as const) {
      const counted = await edged(async () => {
        const socket = connect(Number(port), hostname)
        socket.write(lines)
        const [bytes] = await once(socket, 'data')
        expect(String(bytes)).to.match(new RegExp(`^HTTP/1.1 ${status} `))
        socket.destroy()
      })
      expect(counted, lines).to.equal(count)
    }
  })

  it('answers nothing more on a connection that was refused', async () => {
    await warm(path, ours.secretKey)
    const { port, hostname } = new URL(api.origin)
    const good = `GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${ours.secretKey}\r\n\r\n`
    const twice = `GET ${path} HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n`
    const counted = await edged(async () => {
      const socket = connect(Number(port), hostname)
      socket.write(`${twice}${good}`)
      let text = ''
      for await (const bytes of socket) {
        text += String(bytes)
      }
      expect(text)
        .to.match(/^HTTP\/1.1 400 /)
        .and.not.include(' 200 OK')
    })
    expect(counted).to.equal(0)
  })

  it('leaves more headers than are taken to Express', async () => {
    await warm(path, ours.secretKey)
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`x-${index}`, 'y']))
    const authorization = `Bearer ${ours.secretKey}`
    const counted = await edged(async () => {
      const { status } = await receive(`${api.origin}${path}`, {
        authorization,
        connection: 'keep-alive',
        ...many,
      })
      expect(status).to.equal(431)
    })
    expect(counted).to.equal(0)
  })

  it('counts what it answers against the quota of the key, and leaves the refusal to Express', async () => {
    const limited = await startApi(business, { cache: { tiers: 'memory' }, limits: { key: 5 } })
    const answers = []
    for (let turn = 0; turn < 7; turn += 1) {
      answers.push(await limited.call('GET', path, { as: ours.secretKey }))
    }
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200, 200, 200, 429, 429])
    const left = answers.map(({ headers }) => /r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1])
    expect(left).to.deep.equal(['4', '3', '2', '1', '0', '0', '0'])
    expect(answers[6]?.headers.get('retry-after')).to.match(/^\d+$/)
    expect(limited.slice.figures.edgeCount).to.equal(3)
  })

  it('gives a client the head of the answer that it gets, after a change too', async () => {
    const one = `/api/v2/payment-links/${linkId}`
    await warm(one, ours.secretKey)
    const before = await get(one, ours.secretKey)
    await api.call('PATCH', one, {
      as: ours.secretKey,
      body: { description: 'longer than it was before' },
      headers: { 'if-match': `"${before.json.data.version}"` },
    })
    for (let turn = 0; turn < 4; turn += 1) {
      const { headers, text } = await get(one, ours.secretKey)
      expect(Number(headers.get('content-length'))).to.equal(Buffer.byteLength(text))
      expect(headers.get('etag')).not.to.equal(before.headers.get('etag'))
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
