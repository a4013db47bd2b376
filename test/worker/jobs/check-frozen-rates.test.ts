import { expect } from 'chai'
import { pino } from 'pino'
import { sql } from 'kysely'
import { findCaller } from '#members'
import { getLinkForUpdate, requoteLink } from '#payments'
import { transaction } from '#platform/database/transaction'
import { getReport, listReports, type StoredReport } from '#platform/reports/reports'
import { checkFrozenRates } from '../../../worker/jobs/check-frozen-rates.ts'
import {
  addTenant,
  ecbRates,
  openBusiness,
  publishRates,
  type Business,
  type Tenant,
} from '../../support/business.ts'
import { jobRun } from '../../support/job-run.ts'
import { addLinks, addUnfrozenLinks } from '../../support/links.ts'
import { recordStatements } from '../../support/statements.ts'

describe('the job that looks for links without their four rates', () => {
  let business: Business
  let tenant: Tenant

  beforeEach(async () => {
    business = await openBusiness({ fx: { providers: ['ecb'] } })
    tenant = await addTenant(business, 'harbour')
    await publishRates(business, ecbRates)
  })
  afterEach(() => business.lifecycle.stop())

  const run = (from = business) => checkFrozenRates.run(from, {}, jobRun(from))

  async function reports(): Promise<readonly StoredReport[]> {
    const found = await listReports(business.db, { kind: 'frozen-rates', limit: 100 })
    return Promise.all(found.map(({ id }) => getReport(business.db, id)))
  }

  const addForeign = (status: string, more: { rates?: number; count?: number } = {}) =>
    addUnfrozenLinks(business, tenant, { status, ...more })

  async function requote(id: string): Promise<void> {
    const caller = await findCaller(business.db, tenant.secretKey)
    await transaction(business, async (tx) => {
      const link = caller && (await getLinkForUpdate(tx, caller, id))
      await (link && requoteLink(tx, business, link, { allowStaleRates: true }))
    })
  }

  it('has nothing to say of an empty table, and of links that have their rates', async () => {
    expect(await run()).to.deep.equal({ rows: 0 })
    await addLinks(business, tenant, 3)
    expect(await run()).to.deep.equal({ rows: 0 })
    expect(await reports()).to.deep.equal([])
    expect(await business.db.run(sql`select * from sweeps`)).to.deep.equal([])
  })

  it('reports which links lack how many, of those that are to be paid or were', async () => {
    const ids: string[] = []
    for (const [index, status] of ['draft', 'open', 'partially_paid', 'paid'].entries()) {
      ids.push(await addForeign(status, { rates: index }))
    }
    for (const status of ['expired', 'cancelled', 'removed']) {
      await addForeign(status)
    }
    expect(await run()).to.deep.equal({ rows: 4 })
    const [report] = await reports()
    expect(report?.figures).to.deep.equal({ links: 14, lacking: 4 })
    const { organisationId } = tenant
    expect(report?.body['links']).to.deep.equal([
      { id: ids[0], organisationId, status: 'draft', rates: 0 },
      { id: ids[1], organisationId, status: 'open', rates: 1 },
      { id: ids[2], organisationId, status: 'partially_paid', rates: 2 },
      { id: ids[3], organisationId, status: 'paid', rates: 3 },
    ])
  })

  it('reports again when something else is found, until a requote has mended it', async () => {
    const lacking = async () => (await reports()).map(({ figures }) => figures['lacking'])
    const [first, second] = [await addForeign('open'), await addForeign('draft', { rates: 3 })]
    await run()
    await run()
    expect(await lacking()).to.deep.equal([2])
    await requote(first)
    await run()
    expect(await lacking()).to.deep.equal([1, 2])
    const other = await addForeign('draft', { rates: 3 })
    await requote(second)
    await run()
    expect(await lacking()).to.deep.equal([1, 1, 2])
    await requote(other)
    await run()
    await run()
    expect(await lacking()).to.deep.equal([0, 1, 1, 2])
  })

  it('warns in one line, each time', async () => {
    const lines: string[] = []
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) })
    const loud = { ...business, log }
    await addForeign('open')
    for (const _ of [1, 2]) {
      await checkFrozenRates.run(loud, {}, jobRun(loud))
    }
    const said = lines.map((line) => JSON.parse(line))
    expect(said.map(({ msg }) => msg)).to.deep.equal([
      'report written',
      'payment links lack their frozen rates',
      'payment links lack their frozen rates',
    ])
    expect(said[1]).to.include({ level: 40, links: 1 })
    expect(said[0]).to.include({ kind: 'frozen-rates', links: 2, lacking: 1 })
  })

  it('looks through many links in the course of several runs, and names no more than a hundred', async () => {
    // In parts, for a busy machine gives a statement its 4 s too.
    for (let part = 0; part < 10; part += 1) {
      await addForeign('open', { count: 5_000 })
    }
    await addForeign('open')
    const other = await openBusiness({ url: business.url })
    const { sent } = recordStatements(other.db)
    const stretches = () => sent.filter(({ text }) => text.includes('payment_links'))
    expect(await run(other)).to.deep.equal({})
    expect(stretches()).to.have.length(10)
    expect(await reports()).to.deep.equal([])
    expect(await run(other)).to.deep.equal({ rows: 50_001 })
    expect(stretches()).to.have.length(11)
    await other.lifecycle.stop()
    const [report] = await reports()
    expect(report?.figures).to.deep.equal({ links: 50_012, lacking: 50_001 })
    expect(report?.body['links']).to.have.length(100)
    expect(await business.db.run(sql`select * from sweeps`)).to.deep.equal([])
  })

  it('reports again when there are more than it names', async () => {
    await addForeign('open', { count: 101 })
    await run()
    await run()
    await addForeign('open')
    await run()
    expect((await reports()).map(({ figures }) => figures['lacking'])).to.deep.equal([102, 101])
  })

  it('lets one of two look, and the other one go', async () => {
    await addForeign('open')
    const other = await openBusiness({ url: business.url })
    await transaction(other, async (tx) => {
      await tx.run(sql`select pg_advisory_xact_lock(hashtextextended('sweep frozen-rates', 0))`)
      expect(await run()).to.deep.equal({})
    })
    await Promise.all([run(), run(other), run(), run(other)])
    await other.lifecycle.stop()
    expect((await reports()).map(({ figures }) => figures['lacking'])).to.deep.equal([1])
  })

  it('leaves nothing of a run that dies', async () => {
    await addForeign('open')
    await business.db.run(sql`
      create function die() returns trigger language plpgsql as $$ begin
        perform pg_terminate_backend(pg_backend_pid()); return null;
      end $$`)
    await business.db.run(
      sql`create trigger die before delete on sweeps for each statement execute function die()`,
    )
    expect(await run().catch((error: unknown) => error)).to.be.instanceOf(Error)
    expect(await reports()).to.deep.equal([])
    await business.db.run(sql`drop trigger die on sweeps`)
    expect(await run()).to.deep.equal({ rows: 1 })
    expect(await reports()).to.have.length(1)
  })
}).timeout(60_000)
