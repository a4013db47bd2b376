import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect } from 'chai'
import { Client } from 'pg'
import { mintCredential } from '#members'
import { systemRandom } from '#platform/random'
import { eventually } from '../platform/queue/fixture.ts'
import { startChild, type Child } from '../support/child.ts'
import { createDatabase, freePort } from '../support/servers.ts'

const entries = ['api', 'worker', 'admin'] as const
const portOf = { api: 'PORT', worker: 'WORKER_PORT', admin: 'ADMIN_PORT' } as const

const mishaps = [
  ['an error that nobody catches', 'throw new Error("unforeseen")'],
  ['a rejection that nobody handles', 'Promise.reject(new Error("unforeseen"))'],
] as const

/** Makes a process throw past everybody when it gets SIGUSR2. */
const throws = (what: string) =>
  `--import=data:text/javascript,${encodeURIComponent(`process.on("SIGUSR2",()=>{${what}})`)}`

describe('a process of the product', () => {
  let child: Child | undefined
  let environment: Record<string, string>
  beforeEach(async () => {
    environment = {
      DATABASE_URL: await createDatabase(),
      REDIS_URL: '',
      FX_PROVIDERS: 'demo-replay',
    }
    for (const name of Object.values(portOf)) {
      environment[name] = String(await freePort())
    }
  })
  afterEach(async () => {
    await child?.stop()
    child = undefined
  })

  const failure = async (entry: (typeof entries)[number], more: Record<string, string> = {}) => {
    try {
      child = await startChild(entry, { ...environment, ...more })
    } catch (error) {
      return error instanceof Error ? error.message : ''
    }
    throw new Error('it started')
  }

  for (const entry of entries) {
    describe(`(${entry})`, () => {
      it('does not serve a database that was not migrated, and says how to', async () => {
        const DATABASE_URL = await createDatabase('template0')
        expect(await failure(entry, { DATABASE_URL })).to.include(
          `${entry} did not start: the database is not migrated: run npm run migrate -- up`,
        )
      })

      // What all three share (shared/platform/run-process.ts, listen.ts) is tried on one of them.
      if (entry !== 'api') {
        return
      }

      it('says that its port is taken', async () => {
        const taken = createServer().listen(Number(environment[portOf[entry]]), '127.0.0.1')
        await once(taken, 'listening')
        expect(await failure(entry)).to.match(
          /cannot listen on 127\.0\.0\.1:\d+; choose another port/,
        )
        taken.close()
      })

      for (const [what, code] of mishaps) {
        it(`logs ${what} once, stops in order and exits with 1`, async () => {
          child = await startChild(entry, { ...environment, NODE_OPTIONS: throws(code) })
          const exited = once(child.process, 'exit')
          child.process.kill('SIGUSR2')
          expect((await exited)[0]).to.equal(1)
          const fatal = child.lines.filter((line) => line['level'] === 'fatal')
          expect(fatal).to.have.length(1)
          expect(fatal[0]).to.have.nested.property('err.message', 'unforeseen')
          expect(child.lines.at(-1)).to.include({ msg: 'process stopped', exitCode: 1 })
        })
      }
    })
  }

  it('says that the database does not answer, without its password', async () => {
    const DATABASE_URL = `postgresql://tidegate:hunter2@localhost:${await freePort()}/tidegate`
    const told = await failure('api', { DATABASE_URL })
    expect(told).to.include('the database does not answer').and.include('ECONNREFUSED')
    expect(told).not.to.include('hunter2')
  })

  it('names every fault of its configuration and echoes no secret', async () => {
    const told = await failure('api', {
      NODE_ENV: 'production',
      DATABASE_URL: 'mysql://u:hunter2@h/d',
      PORT: '99999',
      CURSOR_KEYS: 'k1:hunter3',
      TRUST_PROXY: 'true',
    })
    expect(told).to.include('DATABASE_URL').and.include('PORT').and.include('CURSOR_KEYS')
    expect(told).to.include('TRUST_PROXY').and.include('BASE_URL')
    expect(told).not.to.match(/hunter/)
  })

  it('lacking one migration, names it', async () => {
    const client = new Client({ connectionString: environment['DATABASE_URL'] })
    await client.connect()
    await client.query(`delete from schema_migrations where name = '0006-delivery'`)
    await client.query(`insert into schema_migrations (name) values ('9999-of-a-newer-version')`)
    await client.end()
    expect(await failure('api')).to.include('the database lacks 0006-delivery: run npm run migrate')
  })

  it('finishes what it was asked before it stops, and takes nothing new', async () => {
    child = await startChild('api', environment)
    const origin = `http://127.0.0.1:${environment['PORT']}`
    const client = new Client({ connectionString: environment['DATABASE_URL'] })
    await client.connect()
    await client.query('begin')
    await client.query('lock table api_keys')
    const { text: key } = mintCredential('secret', systemRandom)
    const headers = { authorization: `Bearer ${key}` }
    const asked = fetch(`${origin}/api/v2/payment-links`, { headers })
    await eventually(async () => {
      const { rows } = await client.query(
        `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      )
      return rows[0]
    })
    child.process.kill('SIGTERM')
    child.process.kill('SIGTERM')
    const exited = once(child.process, 'exit')
    await eventually(
      async () =>
        await fetch(origin).then(
          () => undefined,
          () => true,
        ),
    )
    await client.query('commit')
    const answer = await asked
    // or the client would keep the connection, and the stop would wait for it
    expect([answer.status, answer.headers.get('connection')]).to.deep.equal([401, 'close'])
    await client.end()
    expect((await exited)[0]).to.equal(0)
  })

  for (const entry of ['api', 'admin'] as const) {
    it(`says that it drains before it takes no more: ${entry}`, async () => {
      child = await startChild(entry, { ...environment, DRAIN_PAUSE_MS: '3000' })
      const origin = `http://127.0.0.1:${environment[portOf[entry]]}`
      const statusOf = async (path: string) => (await fetch(`${origin}${path}`)).status
      expect(await statusOf('/health/ready')).to.equal(200)
      child.process.kill('SIGTERM')
      const exited = once(child.process, 'exit')
      await eventually(async () => ((await statusOf('/health/ready')) === 503 ? true : undefined))
      // each on a connection of its own, which a closed listener would refuse, for no answer keeps one
      const path = entry === 'api' ? '/api/v2/products' : '/trpc/health.summary'
      for (let asked = 0; asked < 5; asked += 1) {
        const { status, headers } = await fetch(`${origin}${path}`)
        expect([status, headers.get('connection')]).to.deep.equal([401, 'close'])
      }
      expect(await statusOf('/health/live')).to.equal(200)
      expect((await exited)[0]).to.equal(0)
    })
  }
}).timeout(60_000)
