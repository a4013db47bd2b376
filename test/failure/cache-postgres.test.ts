import { realpathSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { sql } from 'kysely'
import { Client } from 'pg'
import { migrations } from '#migrations'
import { migrateUp } from '#platform/database/migrate'
import { send } from '../../deploy/laptop/live-process.ts'
import { orphansIn } from '../../deploy/laptop/postgres-cluster.ts'
import { startPostgres, type Postgres } from '../../deploy/laptop/postgres.ts'
import { eventually } from '../platform/queue/fixture.ts'
import { startApi, type Answer, type Api } from '../support/api.ts'
import {
  addTenant,
  ecbRates,
  openBusiness,
  publishRates,
  type Business,
  type Tenant,
} from '../support/business.ts'
import { addProducts } from '../support/catalogue.ts'
import { addLinks } from '../support/links.ts'
import { startLoad } from '../support/load.ts'
import { runDirectory } from '../support/run-directory.ts'
import { freePort } from '../support/servers.ts'

const hit = /^memory; hit; ttl=\d+$/
const flagged = /^memory; hit; ttl=-\d+/

describe('cached reads when PostgreSQL fails', () => {
  let directory = ''
  let port = 0
  let server: Postgres
  let business: Business
  let tenant: Tenant
  let linkId = ''
  let api: Api
  let sent = 0
  let isDown = true

  before(async () => {
    directory = join(runDirectory(), `cache-postgres-${process.pid}`)
    port = await freePort()
    await start()
    await migrateUp(server.url, migrations)
    business = await openBusiness({ url: server.url, fx: { providers: ['ecb'] } })
    tenant = await addTenant(business, 'harbour')
    await publishRates(business, ecbRates)
    await addProducts(business, tenant, 8)
    linkId = (await addLinks(business, tenant, 2))[0] ?? ''
    api = await startApi(business, { cache: { tiers: 'memory' } })
  }).timeout(60_000)
  beforeEach(async () => {
    signal('SIGCONT')
    if (isDown) {
      await start()
    }
  }).timeout(30_000)
  after(async () => {
    signal('SIGCONT')
    await business.lifecycle.stop()
    await server.stop()
    await rm(directory, { recursive: true, force: true })
  }).timeout(30_000)

  async function start(): Promise<void> {
    const settings = ['fsync=off', 'shared_buffers=32MB', 'max_connections=60']
    server = await startPostgres({ directory, port, password: 'test', settings })
    isDown = false
  }
  /** To the postmaster and all its processes. */
  function signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    for (const pid of orphansIn(realpathSync(directory))) {
      send(pid, name)
    }
  }
  async function kill(): Promise<void> {
    isDown = true
    signal('SIGKILL')
    await server.ended
  }

  const get = (path: string, as = tenant.secretKey): Promise<Answer> =>
    api.call('GET', path, { as })
  const statusOf = ({ headers }: Answer): string => headers.get('cache-status') ?? ''
  const newPath = (): string => `/api/v2/products?limit=${(sent += 1)}&fields=id`
  const links = '/api/v2/payment-links'
  const item = (): string => `${links}/${linkId}`
  const create = (): Promise<Answer> =>
    api.call('POST', links, {
      as: tenant.secretKey,
      body: { currency: 'GBP' },
      headers: { 'idempotency-key': `key-${(sent += 1)}` },
    })
  const hot = (): readonly string[] => [
    '/api/v2/products',
    '/api/products?page=1',
    '/api/v2/assets',
    '/api/v2/me',
    links,
    item(),
  ]
  /** Kept answers, confirmed now. */
  async function warm(): Promise<ReadonlyMap<string, string>> {
    await eventually(async () => {
      const answer = await get(newPath())
      return answer.status === 200 ? true : undefined
    }, 20_000)
    await api.slice.cache.catchUp()
    const texts = new Map<string, string>()
    for (const path of hot()) {
      await get(path)
      const answer = await get(path)
      expect(statusOf(answer), path).to.match(hit)
      texts.set(path, answer.text)
    }
    return texts
  }
  function load(texts: ReadonlyMap<string, string>) {
    const paths = [...texts.keys()]
    return startLoad(4, (n) => {
      const path = paths[n % paths.length] ?? ''
      return { ask: () => get(path), isRight: ({ text }) => text === texts.get(path) }
    })
  }
  function expectRefused({ status, headers, json }: Answer): void {
    expect([status, headers.get('retry-after')]).to.deep.equal([503, '5'])
    expect(json.retryable).to.equal(true)
    expect(headers.get('cache-control')).to.equal('no-store')
    expect(headers.has('cache-status')).to.equal(false)
  }
  /** From anybody who may write into the database, not through us. */
  async function writeElsewhere(statement: string): Promise<void> {
    const client = new Client({ connectionString: server.url })
    await client.connect()
    await client.query(statement)
    await client.end()
  }

  it('are answered while it is killed, flagged; writes and what is not kept are refused; then all is as before', async () => {
    const texts = await warm()
    const running = load(texts)
    await running.more(50)
    await kill()
    await running.more(200)
    // Each answer is trusted from when it was read, so one may be doubted before another.
    for (const path of [links, item()]) {
      await eventually(async () => (flagged.test(statusOf(await get(path))) ? true : undefined))
    }
    const known = { 'if-none-match': (await get(item())).headers.get('etag') ?? '' }
    const same = await api.call('GET', item(), { as: tenant.secretKey, headers: known })
    expect([same.status, flagged.test(statusOf(same))]).to.deep.equal([304, true])
    for (const refused of await Promise.all([create(), get(newPath()), create(), get(newPath())])) {
      expectRefused(refused)
    }
    await running.more(200)
    await start()
    await eventually(async () => ((await get(newPath())).status === 200 ? true : undefined), 20_000)
    await running.more(50)
    const { failed, wrong, flagged: flags } = await running.stop()
    expect([failed, wrong]).to.deep.equal([[], []])
    expect(flags).to.be.greaterThan(0)
    const made = await create()
    expect(made.status, made.text).to.equal(201)
    expect((await get(links)).json.data[0].id).to.equal(made.json.data.id)
  }).timeout(60_000)

  it('are never older than what was written after it came back, though ids of transactions are given twice', async () => {
    for (let round = 1; round <= 3; round += 1) {
      await warm()
      await kill()
      await start()
      await writeElsewhere(`update payment_links set description = 'after crash ${round}'`)
      const beganMs = performance.now()
      await eventually(async () => {
        const { json } = await get(item())
        return json.data?.description === `after crash ${round}` ? true : undefined
      })
      expect(performance.now() - beganMs).to.be.below(5_000)
      for (let again = 0; again < 20; again += 1) {
        expect((await get(item())).json.data.description).to.equal(`after crash ${round}`)
        expect((await get(links)).json.data.at(-1).description).to.equal(`after crash ${round}`)
      }
    }
  }).timeout(60_000)

  it('that are known to be old are given while there is nothing else, flagged, and no longer', async () => {
    await warm()
    await writeElsewhere(`update payment_links set description = 'known to be newer'`)
    await api.slice.cache.catchUp()
    await kill()
    const old = await get(item())
    expect([old.status, flagged.test(statusOf(old))]).to.deep.equal([200, true])
    expect(old.json.data.description).not.to.equal('known to be newer')
    await start()
    await warm()
    expect((await get(item())).json.data.description).to.equal('known to be newer')
  }).timeout(60_000)

  it('are refused to a key that is known to be revoked, however long it is away', async () => {
    const made = await api.call('POST', '/api/v2/api-keys', {
      as: tenant.secretKey,
      body: { kind: 'secret', name: 'short' },
      headers: { 'idempotency-key': `key-${(sent += 1)}` },
    })
    const { id, key } = made.json.data
    await warm()
    expect((await get(links, key)).status).to.equal(200)
    await writeElsewhere(`update api_keys set revoked_at = now() where id = '${id}'`)
    await api.slice.cache.catchUp()
    await kill()
    expectRefused(await get(links, key))
    expect((await get(links)).status).to.equal(200)
    await start()
    await warm()
    expect((await get(links, key)).status).to.equal(401)
  }).timeout(60_000)

  it('are answered from memory, confirmed, while every connection of the pool is taken', async () => {
    await warm()
    const held = Array.from({ length: 20 }, () => business.db.run(sql`select pg_sleep(3)`))
    await eventually(() => (business.db.statistics().active === 20 ? true : undefined))
    const refused = [get(newPath()), create()]
    const began = performance.now()
    const state = { isRefused: false }
    const answered = Promise.all(refused).then(() => (state.isRefused = true))
    let longestMs = 0
    while (!state.isRefused) {
      for (const path of hot()) {
        const askedMs = performance.now()
        const answer = await get(path)
        longestMs = Math.max(longestMs, performance.now() - askedMs)
        expect(answer.status).to.equal(200)
        expect(statusOf(answer), path).to.match(hit)
      }
    }
    await answered
    expect(performance.now() - began).to.be.greaterThan(1_500)
    expect(longestMs).to.be.below(1_500)
    for (const answer of await Promise.all(refused)) {
      expectRefused(answer)
    }
    await Promise.all(held)
    expect((await create()).status).to.equal(201)
  }).timeout(30_000)

  it('are answered at once while it is frozen, flagged; and confirmed once it goes on', async () => {
    const texts = await warm()
    signal('SIGSTOP')
    const running = load(texts)
    await running.more(100)
    await eventually(async () => (flagged.test(statusOf(await get(links))) ? true : undefined))
    const [unknown, written] = await Promise.all([get(newPath()), create()])
    expect(unknown.status).to.be.oneOf([503, 504])
    expect(written.status).to.be.oneOf([503, 504])
    const { failed, wrong, longestMs } = await running.stop()
    expect([failed, wrong]).to.deep.equal([[], []])
    expect(longestMs).to.be.below(1_500)
    signal('SIGCONT')
    await eventually(async () => (hit.test(statusOf(await get(links))) ? true : undefined), 20_000)
    const made = await eventually(async () => {
      const answer = await create()
      return answer.status === 201 ? answer : undefined
    }, 20_000)
    expect((await get(links)).json.data[0].id).to.equal(made.json.data.id)
  }).timeout(60_000)
})
