import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { sql } from 'kysely'
import { Client } from 'pg'
import { migrations } from '#migrations'
import { migrateUp } from '#platform/database/migrate'
import { openReserve } from '#platform/database/reserve'
import { startPostgres } from '../../deploy/laptop/postgres.ts'
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
import { createDatabase, freePort } from '../support/servers.ts'

describe('the API when its database fails', () => {
  let business: Business
  let tenant: Tenant
  let api: Api
  let keys = 0

  async function open(url?: string): Promise<void> {
    business = await openBusiness({ ...(url !== undefined && { url }), fx: { providers: ['ecb'] } })
    tenant = await addTenant(business, 'harbour')
    await publishRates(business, ecbRates)
    api = await startApi(business)
  }
  afterEach(() => business.lifecycle.stop())

  const list = (): Promise<Answer> =>
    api.call('GET', '/api/v2/payment-links', { as: tenant.secretKey })
  const create = (key = `key-${(keys += 1)}`): Promise<Answer> =>
    api.call('POST', '/api/v2/payment-links', {
      as: tenant.secretKey,
      body: { currency: 'GBP' },
      headers: { 'idempotency-key': key },
    })
  const expectRefused = (answer: Answer): void => {
    expect(answer.status, answer.text).to.equal(503)
    expect(answer.headers.get('content-type')).to.equal('application/problem+json')
    expect(answer.headers.get('retry-after')).to.equal('5')
    expect(answer.json).to.include({ retryable: true })
    expect(answer.text).not.to.match(/ECONN|select|sql|postgres|pg_/i)
  }

  it('refuses while the server is away and recovers by itself', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tidegate-faults-'))
    await chmod(directory, 0o755)
    const options = {
      directory: join(directory, 'postgres'),
      port: await freePort(),
      password: 'test',
      settings: ['fsync=off'],
    }
    let server = await startPostgres(options)
    try {
      // By name, which stands for two addresses: Node then fails with an AggregateError that has no message.
      const url = server.url.replace('127.0.0.1', 'localhost')
      await migrateUp(url, migrations)
      await open(url)
      expect((await list()).status).to.equal(200)
      await server.halt()
      for (const answer of await Promise.all([list(), create(), list(), create()])) {
        expectRefused(answer)
      }
      server = await startPostgres(options)
      expect((await list()).status).to.equal(200)
      expect((await create()).status).to.equal(201)
    } finally {
      await server.stop()
      await rm(directory, { recursive: true, force: true })
    }
  }).timeout(30_000)

  it('refuses at 2 s when every connection is taken, and health still answers', async () => {
    await open()
    const held = Array.from({ length: 20 }, () => business.db.run(sql`select pg_sleep(2.6)`))
    const options = { url: business.url, applicationName: 'test', reserveMax: 2 }
    const reserve = openReserve(options, business)
    await reserve.ping()
    const begin = performance.now()
    const asked = Promise.all([list(), create()])
    await reserve.ping()
    expect(performance.now() - begin).to.be.below(100)
    for (const answer of await asked) {
      expectRefused(answer)
    }
    expect(performance.now() - begin).to.be.within(1900, 2500)
    await Promise.all(held)
    expect((await create()).status).to.equal(201)
  }).timeout(10_000)

  it('refuses what waits for a lock too long, and what is killed meanwhile; nothing is written', async () => {
    await open()
    const client = new Client({ connectionString: business.url })
    await client.connect()
    await client.query('begin')
    await client.query('lock table payment_links')
    const begin = performance.now()
    expectRefused(await create())
    expect(performance.now() - begin).to.be.within(900, 1800)
    const killed = list()
    const waiting = `select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
    await eventually(async () => (await client.query(waiting)).rows[0])
    await client.query(`select pg_terminate_backend(pid) from (${waiting}) as waiting`)
    expectRefused(await killed)
    await client.query('rollback')
    await client.end()
    expect((await list()).json.data).to.deep.equal([])
    expect(business.db.statistics()).to.include({ active: 0, waiting: 0 })
  })

  it('answers 504 at the deadline, and a write that went on is found by its key', async () => {
    await open()
    const quick = await startApi(business, { readDeadlineMs: 100, writeDeadlineMs: 100 })
    const client = new Client({ connectionString: business.url })
    await client.connect()
    const send = (method: string) =>
      quick.call(method, '/api/v2/payment-links', {
        as: tenant.secretKey,
        ...(method === 'POST' && { body: { currency: 'GBP' } }),
        headers: { 'idempotency-key': 'late' },
      })
    await client.query('begin')
    await client.query('lock table api_keys')
    expect((await send('GET')).json.type).to.match(/http\/overdue$/)
    await client.query('rollback')
    await client.query('begin')
    await client.query('lock table idempotency_keys in exclusive mode')
    const late = await send('POST')
    expect([late.status, late.json.retryable]).to.deep.equal([504, true])
    await client.query('rollback')
    await client.end()
    await eventually(async () => (await list()).json.data[0])
    const again = await create('late')
    expect([again.status, again.headers.get('idempotent-replayed')]).to.deep.equal([201, 'true'])
    expect((await list()).json.data).to.have.length(1)
  })

  it('has one effect for a key whose COMMIT was done but never acknowledged', async () => {
    const target = new URL(await createDatabase())
    const proxy = await startLosingCommits(Number(target.port))
    target.port = String(proxy.port)
    await open(target.href)
    try {
      for (let round = 1; round <= 20; round += 1) {
        proxy.loseNextCommit()
        expectRefused(await create(`lost-${round}`))
        const again = await create(`lost-${round}`)
        expect([again.status, again.headers.get('idempotent-replayed')]).to.deep.equal([
          201,
          'true',
        ])
        const [row] = await business.db.run(
          sql<{ n: string }>`select count(*) as n from payment_links`,
        )
        expect(row?.n).to.equal(String(round))
      }
    } finally {
      await business.lifecycle.stop()
      proxy.close()
    }
  })

  it('has one effect when a deadlock or serialization failure made it run again', async () => {
    await open()
    await business.db.run(sql`create sequence attempts`)
    // As a concurrent transaction would: the first two attempts fail after the link was written.
    await business.db.run(sql`create function fail_twice() returns trigger language plpgsql as $$
      begin
        if nextval('attempts') <= 2 then raise exception 'again' using errcode = '40001'; end if;
        return null;
      end $$`)
    await business.db.run(sql`create trigger fail_twice after insert on idempotency_keys
      for each row execute function fail_twice()`)
    const answer = await create('retried')
    expect(answer.status).to.equal(201)
    const rows = await business.db.run(sql<{
      id: string
      short_code: string
      events: string
      rates: string
    }>`
      select id, short_code, (select count(*) from payment_events) as events, (select count(*) from fx_snapshots) as rates
        from payment_links`)
    expect(rows).to.deep.equal([
      { id: answer.json.data.id, short_code: answer.json.data.shortCode, events: '1', rates: '4' },
    ])
    expect((await create('retried')).text).to.equal(answer.text)
  })

  it('gives up after three attempts with a refusal, and nothing is written', async () => {
    await open()
    await business.db.run(sql`create function fail() returns trigger language plpgsql as $$
      begin raise exception 'again' using errcode = '40P01'; end $$`)
    await business.db.run(sql`create trigger fail after insert on idempotency_keys
      for each row execute function fail()`)
    expectRefused(await create())
    expect((await list()).json.data).to.deep.equal([])
  })
})

/** A proxy in front of PostgreSQL that can let a COMMIT through and drop its answer. */
async function startLosingCommits(upstreamPort: number) {
  let isArmed = false
  const sockets = new Set<Socket>()
  const server: Server = createServer((client) => {
    const upstream = connect(upstreamPort, '127.0.0.1')
    let isLost = false
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
    }
    client.on('data', (chunk: Buffer) => {
      if (isArmed && chunk.includes('commit')) {
        isArmed = false
        isLost = true
      }
      upstream.write(chunk)
    })
    upstream.on('data', (chunk: Buffer) => {
      if (isLost) {
        client.destroy()
        upstream.destroy()
      } else {
        client.write(chunk)
      }
    })
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    loseNextCommit: () => void (isArmed = true),
    close() {
      sockets.forEach((socket) => socket.destroy())
      server.close()
    },
  }
}
