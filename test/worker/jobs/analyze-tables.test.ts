import { expect } from 'chai'
import { sql } from 'kysely'
import { getReport, newestReport } from '#platform/reports/reports'
import { analyzeTables } from '../../../worker/jobs/analyze-tables.ts'
import { eventually } from '../../platform/queue/fixture.ts'
import { addTenant, openBusiness, type Business } from '../../support/business.ts'
import { createTestClock } from '../../support/clock.ts'
import { jobRun } from '../../support/job-run.ts'

const five = ['fx_snapshots', 'ledger_entries', 'payment_events', 'payment_links', 'xero_syncs']
const dayMs = 24 * 3600 * 1000

type Looked = { readonly table: string; readonly reason?: string; readonly error?: string }

describe('the job that analyses tables', () => {
  let business: Business
  const clock = createTestClock(new Date())

  beforeEach(async () => {
    business = await openBusiness({ clock })
    await addTenant(business, 'harbour')
  })
  afterEach(() => business.lifecycle.stop())

  async function run(slice: Partial<Business> = {}) {
    const { rows } = await analyzeTables.run({ ...business, ...slice }, {}, jobRun(business))
    const newest = await newestReport(business.db, 'statistics')
    const { figures, body } = await getReport(business.db, newest?.id ?? '')
    const tables = body['tables'] as readonly Looked[]
    expect(rows).to.equal(figures['analyzed'])
    return {
      figures,
      reasons: new Map(tables.map(({ table, reason }) => [table, reason])),
      errors: tables.filter(({ error }) => error !== undefined),
    }
  }

  /** In a month and a bit. */
  const later = { clock: { ...clock, now: () => new Date(clock.now().getTime() + 31 * dayMs) } }

  async function analyzedAt(table: string): Promise<string | null> {
    const [row] = await business.db.run<{ at: string | null }>(
      sql`select last_analyze as at from pg_stat_user_tables where relname = ${table}`,
    )
    return row?.at ?? null
  }

  it('analyses the five that nobody ever has, and then leaves them alone', async () => {
    expect(await analyzedAt('payment_links')).to.equal(null)
    const first = await run()
    expect(first.figures).to.deep.equal({ tables: 5, analyzed: 5, failed: 0 })
    expect([...first.reasons]).to.deep.equal(five.map((table) => [table, 'never analysed']))
    expect(await analyzedAt('payment_links')).to.be.a('string')
    expect((await run()).figures).to.deep.equal({ tables: 5, analyzed: 0, failed: 0 })
    expect((await run(later)).figures).to.include({ analyzed: 0 })
  })

  it('analyses what has changed and was left alone for a month', async () => {
    await run()
    await business.db.fork().transactional(async (em) => {
      const db = em.getKysely<Record<string, never>>()
      await sql`set local session_replication_role = replica`.execute(db)
      await sql`
        insert into xero_syncs (organisation_id, kind, status) select id, 'invoice', 'pending' from organisations`.execute(
        db,
      )
    })
    await business.db.run(sql`select pg_stat_force_next_flush()`)
    await eventually(async () => {
      const [row] = await business.db.run<{ changed: string }>(
        sql`select n_mod_since_analyze as changed from pg_stat_user_tables where relname = 'xero_syncs'`,
      )
      return row?.changed === '1' || undefined
    })
    expect((await run()).figures).to.include({ analyzed: 0 })
    const { figures, reasons } = await run(later)
    expect(figures).to.include({ analyzed: 1 })
    expect(reasons.get('xero_syncs')).to.equal('changed, and not analysed for a month')
  })

  it('analyses each month what autovacuum was told to leave alone, and big tables beside the five', async () => {
    await run()
    await business.db.run(sql`alter table payment_events set (autovacuum_enabled = off)`)
    await business.db.run(sql`alter table payment_links set (autovacuum_enabled = on)`)
    await business.db.run(sql`
      insert into outbox_events (topic, aggregate_id, payload)
      select 'test', uuid_v7(), '{}' from generate_series(1, 10001)`)
    await business.db.run(sql`analyze outbox_events`)
    const { figures, reasons } = await run()
    expect(figures).to.deep.equal({ tables: 6, analyzed: 1, failed: 0 })
    expect(reasons.get('payment_events')).to.equal('autovacuum is off')
    expect([...reasons.keys()]).to.include('outbox_events')
  })

  it('does the others although one is locked, and says so', async () => {
    await business.db.fork().transactional(async (em) => {
      const db = em.getKysely<Record<string, never>>()
      await sql`lock table ledger_entries in access exclusive mode`.execute(db)
      const { figures, errors } = await run()
      expect(figures).to.deep.equal({ tables: 5, analyzed: 4, failed: 1 })
      expect(errors).to.have.length(1)
      expect(errors[0]).to.include({ table: 'ledger_entries', error: '55P03' })
    })
    const { figures, reasons } = await run()
    expect(figures).to.deep.equal({ tables: 5, analyzed: 1, failed: 0 })
    expect(reasons.get('ledger_entries')).to.equal('never analysed')
  })
}).timeout(30_000)
