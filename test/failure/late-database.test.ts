import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { migrations } from '#migrations'
import { systemRandom } from '#platform/random'
import { migrateUp } from '#platform/database/migrate'
import { mintCredential } from '#members'
import { startPostgres, type Postgres } from '../../deploy/laptop/postgres.ts'
import { startChild, type Child } from '../support/child.ts'
import { startSentry, type Sentry } from '../support/sentry.ts'
import { freePort } from '../support/servers.ts'
import { eventually } from '../platform/queue/fixture.ts'

describe('a database that is not there', () => {
  let directory: string
  let port: number
  let postgres: Postgres
  let sentry: Sentry
  let child: Child | undefined
  const start = () =>
    startPostgres({
      directory: join(directory, 'postgres'),
      port,
      password: 'test',
      settings: ['fsync=off', 'shared_buffers=32MB', 'max_connections=60'],
    })

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidegate-late-'))
    await chmod(directory, 0o755)
    port = await freePort()
    postgres = await start()
    await migrateUp(postgres.url, migrations)
  })
  beforeEach(async () => {
    sentry = await startSentry()
  })
  afterEach(async () => {
    await child?.stop()
    child = undefined
    await sentry.close()
  })
  after(async () => {
    await postgres.stop()
    await rm(directory, { recursive: true, force: true })
  })

  const environment = async () => ({
    DATABASE_URL: postgres.url,
    REDIS_URL: '',
    PORT: String(await freePort()),
    FX_PROVIDERS: 'demo-replay',
    SENTRY_DSN: sentry.dsn,
  })
  const waiting = 'the database does not answer yet'

  it('is waited for at the start, at pauses that double; the error tracker hears of it once', async () => {
    await postgres.stop()
    const late = Promise.withResolvers<Postgres>()
    const patient = { ...(await environment()), DATABASE_START_PATIENCE_MS: '60000' }
    child = await startChild('api', patient, ({ lines }) => {
      const refused = eventually(() => lines.filter(({ msg }) => msg === waiting)[1], 30_000)
      refused.then(start).then(late.resolve, late.reject)
    })
    postgres = await late.promise
    const attempts = child.lines.filter(({ msg }) => msg === waiting)
    expect(attempts.length).to.be.at.least(2)
    attempts.forEach((line, index) => {
      expect(line).to.include({ level: 'warn', attempt: index + 1 })
      expect(line['delayMs']).to.equal(Math.min(100 * 2 ** index, 5_000))
    })
    const told = child.lines.filter(({ level }) => level === 'error')
    expect(told.map(({ msg }) => msg)).to.deep.equal(['the database was not there at the start'])
    expect(told[0]).to.include({ attempts: attempts.length })
    await child.stop()
    expect(sentry.events).to.have.length(1)
    expect(sentry.events[0].tags.event).to.equal('the database was not there at the start')
  })

  it('is given up at the end of the patience, with one event', async () => {
    const elsewhere = `postgresql://tidegate:hunter2@127.0.0.1:${await freePort()}/tidegate`
    const failure = await startChild('api', {
      ...(await environment()),
      DATABASE_URL: elsewhere,
      DATABASE_START_PATIENCE_MS: '700',
    }).catch((error: unknown) => error)
    expect(String(failure)).to.include('the database does not answer').and.not.include('hunter2')
    expect(sentry.events).to.have.length(1)
    expect(sentry.events[0]).to.include({ level: 'fatal' })
    expect(sentry.text()).not.to.include('hunter2')
  })

  it('is not waited for where that mends nothing: a wrong password', async () => {
    const wrong = new URL(postgres.url)
    wrong.password = 'wrong'
    const failure = await startChild('api', {
      ...(await environment()),
      DATABASE_URL: wrong.href,
      DATABASE_START_PATIENCE_MS: '600000',
    }).catch((error: unknown) => error)
    expect(String(failure)).to.include('password authentication failed')
  })

  it('ends the wait of a process that is told to stop', async () => {
    const elsewhere = `postgresql://tidegate:x@127.0.0.1:${await freePort()}/tidegate`
    const stopped = startChild(
      'api',
      {
        ...(await environment()),
        DATABASE_URL: elsewhere,
        DATABASE_START_PATIENCE_MS: '600000',
      },
      ({ process: starting, lines }) =>
        void eventually(() => lines.find(({ msg }) => msg === waiting)).then(() =>
          starting.kill('SIGTERM'),
        ),
    ).catch((error: unknown) => error)
    expect(String(await stopped))
      .to.include('process stopped')
      .and.include('"exitCode":0')
    expect(sentry.events).to.deep.equal([])
  })

  it('is one error while the process runs, however many requests fail, and it goes on afterwards', async () => {
    const set = await environment()
    child = await startChild('api', set)
    const origin = `http://127.0.0.1:${set.PORT}`
    const ask = () =>
      fetch(`${origin}/api/v2/products`, {
        headers: { authorization: `Bearer ${mintCredential('secret', systemRandom).text}` },
      })
    await postgres.stop()
    const opened = 'database circuit opened: statements are refused at once'
    await eventually(async () => {
      await ask().then((answer) => answer.arrayBuffer())
      return child?.lines.find(({ msg }) => msg === opened)
    })
    for (let time = 0; time < 20; time += 1) {
      expect((await ask()).status).to.be.oneOf([401, 503])
    }
    postgres = await start()
    await eventually(async () => {
      await ask().then((answer) => answer.arrayBuffer())
      return child?.lines.find(({ msg }) => msg === 'database circuit closed')
    }, 20_000)
    await child.stop()
    const ofCircuit = sentry.events.filter(({ tags }) => tags.event === opened)
    expect(ofCircuit).to.have.length(1)
    expect(ofCircuit[0]).to.include({ level: 'error' })
  })
}).timeout(90_000)
