import { expect } from 'chai'
import { sql } from 'kysely'
import { pino } from 'pino'
import { entities } from '#entities'
import { openDatabase, type Database } from '#platform/database/database'
import { transaction } from '#platform/database/transaction'
import { createLifecycle } from '#platform/lifecycle'
import { databaseOptions } from '../../support/business.ts'
import { createDatabase } from '../../support/servers.ts'
import { systemClock } from '#platform/clock'
import { systemRandom } from '#platform/random'

type Line = Readonly<Record<string, unknown>> & { readonly msg: string }

describe('the statements of a pool', () => {
  const lines: Line[] = []
  const log = pino(
    { level: 'info' },
    { write: (line: string) => void lines.push(JSON.parse(line)) },
  )
  const lifecycle = createLifecycle(log)
  let url: string
  let db: Database

  /** A pool of its own, with limits that the spec chooses so that no machine decides. */
  const openWith = async (slowLogMs: number, slowAlertMs: number): Promise<Database> =>
    openDatabase({ ...databaseOptions(url), slowLogMs, slowAlertMs }, entities, { log, lifecycle })

  const slowLines = (): readonly Line[] => lines.filter(({ msg }) => msg.includes('SLOW QUERY'))

  before(async () => {
    url = await createDatabase()
  })
  beforeEach(() => void lines.splice(0))
  after(() => lifecycle.stop())

  it('are told of once each above the limit of the log, without their parameters', async () => {
    db = await openWith(80, 60_000)
    const canary = 'canary-4711@example.test'
    await db.run(sql`select pg_sleep(${0.1}::float8), ${canary}::text as mail`)
    await db.run(sql`select 1`)
    expect(slowLines()).to.have.length(1)
    expect(slowLines()[0]).to.include({ level: 30, msg: 'SLOW QUERY' })
    expect(String(slowLines()[0]?.['statement'])).to.match(
      /^select pg_sleep\(\$1::float8\), \$2::text/,
    )
    expect(JSON.stringify(lines)).not.to.include(canary).and.not.to.include('0.1')
    expect(db.watch.slow.counts()).to.deep.equal({ log: 1, alert: 0 })
  })

  it('are a warning, in one line, above the limit of the alert; and count above both', async () => {
    db = await openWith(50, 80)
    await db.run(sql`select pg_sleep(0.1)`)
    expect(slowLines().map(({ level }) => level)).to.deep.equal([40])
    expect(String(slowLines()[0]?.['statement'])).to.equal('select pg_sleep(?)')
    expect(db.watch.slow.counts()).to.deep.equal({ log: 1, alert: 1 })
  })

  it('are slow later where nobody waits for them, and never an alert before they are slow', async () => {
    db = await openWith(40, 60)
    await db.watch.unhurried(10_000, () => db.run(sql`select pg_sleep(0.1)`))
    expect(slowLines()).to.deep.equal([])
    await db.watch.unhurried(90, () => db.run(sql`select pg_sleep(0.1)`))
    expect(slowLines().map(({ level }) => level)).to.deep.equal([40])
    await db.watch.unhurried(undefined, () => db.run(sql`select pg_sleep(0.1)`))
    expect(slowLines()).to.have.length(2)
  })

  it('are slow also when they fail, and failures count by the class of their SQLSTATE', async () => {
    db = await openWith(80, 60_000)
    const failing = sql`select 1 / (select count(*) from pg_sleep(0.1) as one where one is null)`
    const failure = await db.run(failing).catch((error: unknown) => error)
    expect(failure).to.be.instanceOf(Error)
    expect(slowLines()).to.have.length(1)
    expect([...db.watch.errors()]).to.deep.equal([['22', 1]])
  })

  it('are one and the same however their values and lists of parameters differ', async () => {
    db = await openWith(1, 60_000)
    await db.run(sql`select pg_sleep(0.01) where 1 in (${1}, ${2})`)
    await db.run(sql`select pg_sleep(0.02)   where 1 in (${1}, ${2}, ${3})`)
    const asleep = db.watch.slow.list().filter(({ statement }) => statement.includes('pg_sleep'))
    expect(asleep.map(({ count, statement }) => ({ count, statement }))).to.deep.equal([
      { count: 2, statement: 'select pg_sleep(?) where ? in ($…)' },
    ])
    const [slow] = asleep
    expect(db.watch.slow.textOf(slow?.fingerprint ?? '')).to.include('0.02')
  })

  it('count by verb, by the name they were given, on every way to the pool', async () => {
    db = await openWith(60_000, 60_000)
    await db.run(sql`select 1`)
    await db.read({ text: 'select 2', values: [], label: 'item thing' })
    await db.watch.named('fetch_user_orders', () => db.run(sql`select 3`))
    await transaction({ db, clock: systemClock, random: systemRandom }, async (tx) => {
      await tx.run(sql`update assets set code = code where false`)
    })
    const counted = Array.from(db.watch.series(), ({ operation, name, durations }) => [
      `${operation} ${name}`.trim(),
      durations.counts.reduce((sum, one) => sum + one, 0),
    ])
    expect(Object.fromEntries(counted)).to.deep.equal({
      SELECT: 1,
      'SELECT item thing': 1,
      'SELECT fetch_user_orders': 1,
      BEGIN: 1,
      UPDATE: 1,
      COMMIT: 1,
    })
  })

  it('of a request that asks for each of many things are named as an N+1 pattern, once', async () => {
    db = await openWith(60_000, 60_000)
    for (let request = 0; request < 2; request += 1) {
      const scope = db.watch.open(() => '/api/v2/planted/:id')
      await scope.run(async () => {
        for (let id = 0; id < 7; id += 1) {
          await db.run(sql`select code from assets where code = ${`A${id}`}`)
        }
        await db.run(sql`select 1`)
      })
      scope.close()
    }
    const warned = lines.filter(({ msg }) => msg.startsWith('N+1'))
    expect(warned).to.have.length(1)
    expect(warned[0]).to.include({ route: '/api/v2/planted/:id', repeats: 7 })
    const [pattern, ...others] = db.watch.repeated.list()
    expect(others).to.deep.equal([])
    expect(pattern).to.include({ requests: 2, repeatsMax: 7, route: '/api/v2/planted/:id' })
    expect(pattern?.statement).to.equal('select code from assets where code = $1')
    expect([...db.watch.perRoute()]).to.deep.equal([['/api/v2/planted/:id', 16]])
  })

  it('are held against what the declaration of their route allows, but for those that find out who asks', async () => {
    db = await openWith(60_000, 60_000)
    const ask = () => db.run(sql`select code from assets where code = ${'EUR'}`)
    const request = async (route: string, count: number, allowed?: number) => {
      const scope = db.watch.open(() => route)
      await scope.run(async () => {
        await db.watch.aside(ask)
        if (allowed !== undefined) {
          db.watch.allow(allowed)
        }
        await Promise.all(Array.from({ length: count }, ask))
      })
      scope.close()
    }
    await request('/api/v2/assets', 1, 1)
    await request('/api/v2/assets', 0, 1)
    await request('/api/v2/roles', 1, 1)
    await request('/api/v2/roles', 3, 1)
    await request('/api/v2/roles', 2, 1)
    await request('/api/v2/me', 3)
    db.watch.allow(1)
    expect(db.watch.budgets.list()).to.deep.equal([
      {
        route: '/api/v2/roles',
        statementsMax: 1,
        requests: 3,
        statements: 6,
        statementsMost: 3,
        overCount: 2,
      },
      {
        route: '/api/v2/assets',
        statementsMax: 1,
        requests: 2,
        statements: 1,
        statementsMost: 1,
        overCount: 0,
      },
    ])
    expect(lines.filter(({ msg }) => msg.startsWith('one answer cost'))).to.have.length(1)
  })

  it('of different requests, or a few of a kind, are none', async () => {
    db = await openWith(60_000, 60_000)
    const ask = () => db.run(sql`select code from assets where code = ${'EUR'}`)
    for (let request = 0; request < 10; request += 1) {
      const scope = db.watch.open(() => '/api/v2/assets')
      await scope.run(() => Promise.all([ask(), ask(), ask(), ask()]))
      scope.close()
    }
    await Promise.all(Array.from({ length: 10 }, ask))
    expect(db.watch.repeated.list()).to.deep.equal([])
  })

  it('of a transaction that is tried again are counted as retries', async () => {
    db = await openWith(60_000, 60_000)
    let attempts = 0
    await transaction({ db, clock: systemClock, random: systemRandom }, async (tx) => {
      attempts += 1
      if (attempts === 1) {
        await tx.run(sql`do $$ begin raise exception using errcode = '40001'; end $$`)
      }
    })
    expect(attempts).to.equal(2)
    expect([...db.watch.retries()]).to.deep.equal([['40001', 1]])
  })
})
