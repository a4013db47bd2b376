import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { pino } from 'pino'
import { sql } from 'kysely'
import { migrations } from '#migrations'
import { migrateUp } from '#platform/database/migrate'
import { newestReport } from '#platform/reports/reports'
import { startPostgres, type Postgres } from '../../../deploy/laptop/postgres.ts'
import { reviewWeek } from '../../../worker/jobs/review-week.ts'
import { startApi } from '../../support/api.ts'
import { addTenant, openBusiness, type Business } from '../../support/business.ts'
import { jobRun } from '../../support/job-run.ts'
import { freePort } from '../../support/servers.ts'

type Statement = {
  readonly text: string
  readonly calls: number
  readonly meanMs: number
  readonly p95EstimateMs: number
}
type Body = {
  readonly from: string
  readonly to: string
  readonly attention: readonly string[]
  readonly statements: Readonly<Record<'slow' | 'fresh' | 'busiest', readonly Statement[]>> | null
  readonly caches: {
    readonly known: number
    readonly answered: number
    readonly worst: readonly { route: string }[]
  }
  readonly jobs: readonly {
    readonly name: string
    readonly runs: number
    readonly failed: number
    readonly p95Seconds: number | null
  }[]
}

async function review(business: Business) {
  await reviewWeek.run(business, {}, jobRun(business))
  const { figures, body } = (await newestReport(business.db, 'week')) ?? {}
  return { figures: figures ?? {}, body: body as Body }
}

const addRun = (
  { db }: Business,
  name: string,
  { state = 'completed', seconds = 1, daysAgo = 1 } = {},
): Promise<unknown> =>
  db.run(sql`
    insert into job_runs (id, queue, name, bull_id, state, attempt, started_at, finished_at)
    select uuid_v7(), 'test', ${name}, '1', ${state}, 1, at, at + ${seconds}::float8 * interval '1 second'
      from (select now() - ${daysAgo}::float8 * interval '1 day' as at) as run`)

describe('the weekly review, where statements are not counted', () => {
  let business: Business
  beforeEach(async () => {
    business = await openBusiness()
  })
  afterEach(() => business.lifecycle.stop())

  it('says so, and has nothing to complain of in an empty week', async () => {
    const { figures, body } = await review(business)
    expect(body.statements).to.equal(null)
    expect(body.attention).to.deep.equal([])
    expect(body.jobs).to.deep.equal([])
    expect(body.caches).to.deep.equal({ known: 0, answered: 0, worst: [] })
    expect(figures).to.deep.equal({
      slowStatements: 0,
      newSlowStatements: 0,
      reads: 0,
      jobRuns: 0,
      jobFailures: 0,
      attention: 0,
    })
    expect(Date.parse(body.to) - Date.parse(body.from)).to.equal(7 * 24 * 3600 * 1000)
  })

  it('says so too where the extension is there and the server does not load it', async () => {
    await business.db.run(sql`create extension pg_stat_statements`)
    expect((await review(business)).body.statements).to.equal(null)
  })

  it('counts how jobs ran in seven days, and complains when more failed than before', async () => {
    for (const seconds of [1, 2, 3]) {
      await addRun(business, 'sweep', { seconds })
    }
    await addRun(business, 'sweep', { state: 'failed', seconds: 90 })
    await addRun(business, 'send')
    await addRun(business, 'sweep', { daysAgo: 8, state: 'failed' })
    await addRun(business, 'sweep', { state: 'active' })
    await business.db.run(sql`update job_runs set finished_at = null where state = 'active'`)
    const first = await review(business)
    expect(first.body.jobs).to.deep.equal([
      { queue: 'test', name: 'sweep', runs: 4, failed: 1, p95Seconds: 2.9 },
      { queue: 'test', name: 'send', runs: 1, failed: 0, p95Seconds: 1 },
    ])
    expect(first.figures).to.include({ jobRuns: 5, jobFailures: 1, attention: 1 })
    expect(first.body.attention).to.deep.equal(['runs of jobs that failed: 1, 0 before'])
    expect((await review(business)).body.attention).to.deep.equal([])
    await addRun(business, 'send', { state: 'failed' })
    expect((await review(business)).body.attention).to.deep.equal([
      'runs of jobs that failed: 2, 1 before',
    ])
  })

  it('asks the caches, and complains when few reads are hits and when fewer are than before', async () => {
    const tenant = await addTenant(business, 'harbour')
    const api = await startApi(business, { cache: { tiers: 'memory' } })
    const read = async (count: number, path: (index: number) => string): Promise<void> => {
      for (let index = 0; index < count; index += 1) {
        await api.call('GET', path(index), { as: tenant.secretKey })
      }
    }
    await read(199, () => '/api/v2/products')
    // asked too little to have a ratio
    await read(1, () => '/api/v2/assets')
    const good = await review(business)
    expect(good.figures['reads']).to.equal(200)
    expect(good.figures['hitRatio']).to.be.above(0.98)
    expect(good.body.attention).to.deep.equal([])
    expect(good.body.caches).to.deep.include({ known: 1, answered: 1 })
    expect(good.body.caches.worst.map(({ route }) => route)).to.deep.equal(['/api/v2/products'])
    await read(100, (index) => `/api/v2/members?email=${index}@example.com`)
    const bad = await review(business)
    expect(bad.body.caches.worst.map(({ route }) => route)).to.deep.equal([
      '/api/v2/members',
      '/api/v2/products',
    ])
    expect(bad.body.attention[0]).to.match(
      /^the hit ratio of the caches is 66\.\d %, below 75\.0 %$/,
    )
    expect(bad.body.attention[1]).to.match(/^it fell from 99\.\d % to 66\.\d %$/)
    expect(bad.figures).to.include({ attention: 2 })
  })

  it('is one line of the log', async () => {
    const lines: string[] = []
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) })
    await review({ ...business, log })
    expect(lines).to.have.length(1)
    expect(JSON.parse(lines[0] ?? '')).to.include({
      kind: 'week',
      jobRuns: 0,
      msg: 'report written',
    })
  })
}).timeout(30_000)

describe('the weekly review, where statements are counted', () => {
  let directory: string
  let postgres: Postgres
  let business: Business

  before(async function () {
    this.timeout(60_000)
    directory = await mkdtemp(join(tmpdir(), 'tidegate-statements-'))
    postgres = await startPostgres({
      directory: join(directory, 'postgres'),
      port: await freePort(),
      password: 'test',
      settings: ['fsync=off', 'shared_preload_libraries=pg_stat_statements'],
    })
    await migrateUp(postgres.url, migrations)
    business = await openBusiness({ url: postgres.url })
    await business.db.run(sql`create schema measures`)
    await business.db.run(sql`create extension pg_stat_statements schema measures`)
  })
  after(async () => {
    await business.lifecycle.stop()
    await postgres.stop()
    await rm(directory, { recursive: true, force: true })
  })

  const wait = (table: string, ms: number): Promise<unknown> =>
    business.db.run(
      sql`select pg_sleep(${ms / 1000}::float8), ${sql.lit('secret')} as word from ${sql.table(table)}`,
    )
  const of = (statements: readonly Statement[] | undefined, word: string): readonly Statement[] =>
    (statements ?? []).filter(({ text }) => text.includes(word) && text.includes('pg_sleep'))

  it('estimates the durations of each week by itself, and names what became slow', async () => {
    await business.db.run(sql`create table buoys as select 1 as id`)
    await business.db.run(sql`create table lights as select 1 as id`)
    await business.db.run(sql`create role harbour_master password 'anchor'`)
    await wait('buoys', 150)
    await wait('lights', 1)
    const first = await review(business)
    expect(of(first.body.statements?.slow, 'buoys')).to.have.length(1)
    expect(of(first.body.statements?.slow, 'lights')).to.deep.equal([])
    expect(first.body.statements?.fresh).to.deep.equal([])
    expect(JSON.stringify(first.body)).not.to.match(/secret|anchor|harbour_master/)

    for (const ms of [150, 150, 150]) {
      await wait('lights', ms)
    }
    await wait('buoys', 150)
    const second = await review(business)
    const [lights] = of(second.body.statements?.fresh, 'lights')
    // The fast call of the first week is not in it.
    expect(lights?.calls).to.equal(3)
    expect(lights?.meanMs).to.be.at.least(150)
    expect(lights?.p95EstimateMs).to.be.at.least(lights?.meanMs ?? 0)
    expect(of(second.body.statements?.fresh, 'buoys')).to.deep.equal([])
    expect(of(second.body.statements?.slow, 'buoys')).to.have.length(1)
    expect(second.figures['newSlowStatements']).to.be.at.least(1)
    expect(second.body.attention.join()).to.match(
      /statements that were not slow before and are now: \d/,
    )

    const third = await review(business)
    expect(of(third.body.statements?.slow, '')).to.deep.equal([])
  })

  it('begins anew after the statistics were reset', async () => {
    await wait('lights', 150)
    await business.db.run(sql`create table gulls as select 1 as id`)
    await wait('gulls', 1)
    await review(business)
    await business.db.run(sql`select measures.pg_stat_statements_reset()`)
    for (const table of ['lights', 'gulls', 'gulls']) {
      await wait(table, 1)
    }
    const { body } = await review(business)
    expect(of(body.statements?.busiest, 'lights').map(({ calls }) => calls)).to.deep.equal([1])
    expect(of(body.statements?.busiest, 'gulls').map(({ calls }) => calls)).to.deep.equal([2])
  })

  it('complains when statements take longer on average than before', async () => {
    for (let count = 0; count < 50; count += 1) {
      await wait('lights', 0)
    }
    expect((await review(business)).body.attention.join()).not.to.include('on average')
    await wait('lights', 400)
    const { figures, body } = await review(business)
    expect(figures['statementMeanMs']).to.be.above(5)
    expect(body.attention.join()).to.match(
      /statements take \d+\.\d\d ms on average, \d\.\d\d before/,
    )
  })

  it('says that it may not look, where it may not', async () => {
    await business.db.run(sql`revoke all on measures.pg_stat_statements_info from public`)
    await business.db.run(
      sql`create role clerk login password 'clerk' in role pg_write_all_data, pg_read_all_data`,
    )
    await business.db.run(sql`revoke usage on schema measures from public`)
    await business.db.run(sql`revoke pg_read_all_data from clerk`)
    await business.db.run(sql`grant select on all tables in schema public to clerk`)
    const url = new URL(postgres.url)
    url.username = url.password = 'clerk'
    const clerk = await openBusiness({ url: url.href })
    const { body } = await review(clerk)
    expect(body.statements).to.equal(null)
    await clerk.lifecycle.stop()
  })
}).timeout(60_000)
