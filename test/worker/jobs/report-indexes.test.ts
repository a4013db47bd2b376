import { expect } from 'chai'
import { sql } from 'kysely'
import { newestReport } from '#platform/reports/reports'
import { reportIndexes } from '../../../worker/jobs/report-indexes.ts'
import { eventually } from '../../platform/queue/fixture.ts'
import { openBusiness, type Business } from '../../support/business.ts'
import { jobRun } from '../../support/job-run.ts'

type Unused = { readonly index: string; readonly sizeBytes: number; readonly keptFor?: string }

describe('the job that reports indexes', () => {
  let business: Business
  beforeEach(async () => {
    business = await openBusiness()
  })
  afterEach(() => business.lifecycle.stop())

  async function run() {
    await reportIndexes.run(business, {}, jobRun(business))
    const { figures, body } = (await newestReport(business.db, 'indexes')) ?? {}
    const unused = (body?.['unused'] ?? []) as readonly Unused[]
    return { figures, body, unused: new Map(unused.map((one) => [one.index, one])) }
  }

  it('names what was never used, the needless first, and what keeps the others', async () => {
    const { figures, unused } = await run()
    expect(figures?.['unused']).to.be.above(50)
    const idle = [...unused.values()].filter(({ keptFor }) => keptFor === undefined)
    expect(figures).to.include({
      idle: idle.length,
      idleBytes: idle.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      invalid: 0,
      scannedTables: 0,
    })
    const [first] = [...unused.values()]
    expect(first?.keptFor).to.equal(undefined)
    expect(unused.get('idx_payment_links_status')).not.to.have.property('keptFor')
    expect(unused.get('payment_links_pkey')?.keptFor).to.equal('keeps rows unique')
    expect(unused.get('idx_fx_rates_batch')?.keptFor).to.equal('finds the rows of a foreign key')
    expect([...unused.keys()].length).to.be.at.most(200)
  })

  it('no longer names one that was used', async () => {
    expect([...(await run()).unused.keys()]).to.include('idx_payment_links_expiry')
    await business.db.fork().transactional(async (em) => {
      const db = em.getKysely<Record<string, never>>()
      await sql`set local enable_seqscan = off`.execute(db)
      await sql`select id from payment_links where status in ('open', 'partially_paid') and expires_at < now()
                 order by expires_at limit 1`.execute(db)
      await sql`select pg_stat_force_next_flush()`.execute(db)
    })
    await eventually(async () => !(await run()).unused.has('idx_payment_links_expiry') || undefined)
  })

  it('names broken ones, and what big tables lack', async () => {
    await business.db.run(sql`create table harbours (id bigint primary key)`)
    await business.db.run(sql`create table berths (harbour_id bigint references harbours (id))`)
    await business.db.run(sql`insert into harbours values (1)`)
    await business.db.run(sql`insert into berths select 1 from generate_series(1, 20000)`)
    await business.db.run(sql`analyze berths`)
    await business.db.run(sql`create index idx_broken on berths (harbour_id) where harbour_id > 1`)
    await business.db.run(
      sql`update pg_index set indisvalid = false where indexrelid = 'idx_broken'::regclass`,
    )
    const { figures, body } = await run()
    expect(figures).to.include({ invalid: 1, unprobedKeys: 1 })
    expect(body).to.deep.include({ invalid: ['idx_broken'] })
    expect(body).to.have.nested.property('missing.foreignKeys[0].table', 'berths')
    expect(body).to.have.property('since')
  })
}).timeout(30_000)
