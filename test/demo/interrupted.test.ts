import { expect } from 'chai'
import { sql } from 'kysely'
import type { Database } from '#platform/database/database'
import { seedDemo, seedLinks } from '../../migrations/demo/seed.ts'
import { openTestDatabase, type OpenDatabase } from '../support/database.ts'
import { createDemoDatabase } from '../support/demo.ts'
import { createDatabase } from '../support/servers.ts'
import { fingerprint } from './fingerprint.ts'

describe('demo: a load that is interrupted', () => {
  let opened: OpenDatabase
  afterEach(() => opened.close())

  it('leaves every table, index and constraint as they were, so that the next one is a first one', async function () {
    this.timeout(120_000)
    const url = await createDatabase()
    opened = await openTestDatabase(url)
    const before = await fingerprint(opened.db)
    const schema = await describeSchema(opened.db)

    const reason = new Error('enough')
    const error = await seedDemo(url, abortedAt('making payment links', reason)).then(
      () => undefined,
      (failure: unknown) => failure,
    )
    expect(error).to.equal(reason)
    expect(await fingerprint(opened.db)).to.deep.equal(before)
    expect(await describeSchema(opened.db)).to.deep.equal(schema)
  })

  it('is cancelled on the server, not only given up here', async () => {
    const url = await createDatabase()
    opened = await openTestDatabase(url)
    await seedDemo(url, abortedAt('loading the exchange rates', new Error('enough'))).catch(
      () => {},
    )
    const sessions = await opened.db.run(sql`
      select query from pg_stat_activity where datname = current_database() and application_name = 'tidegate-seed'`)
    expect(sessions).to.deep.equal([])
  })

  it('does not begin when it has been aborted before', async () => {
    const url = await createDatabase()
    opened = await openTestDatabase(url)
    const reason = new Error('too late')
    const options = { now: new Date(), report: () => {}, signal: AbortSignal.abort(reason) }
    const error = await seedDemo(url, options).then(
      () => undefined,
      (failure: unknown) => failure,
    )
    expect(error).to.equal(reason)
  })
})

describe('demo: a database of somebody else', () => {
  it('is refused by the name of its organisation, and nothing is written', async () => {
    const url = await createDatabase()
    const { db, close } = await openTestDatabase(url)
    await db.run(sql`
      insert into organisations (name, slug, default_currency, settlement_assets)
      values ('Acme', 'acme', 'EUR', array['EUR', 'USD', 'AUD', 'JPY'])`)
    const before = await fingerprint(db)
    const error = await seedDemo(url, { now: new Date(), report: () => {} }).then(
      () => undefined,
      (failure: unknown) => failure,
    )
    expect(String(error)).to.include('organisation acme')
    expect(await fingerprint(db)).to.deep.equal(before)
    await close()
  })

  it('is refused also when its organisation happens to be called demo', async () => {
    const url = await createDatabase()
    const { db, close } = await openTestDatabase(url)
    await db.run(sql`
      insert into organisations (name, slug, default_currency, settlement_assets)
      values ('Demolition Ltd', 'demo', 'EUR', array['EUR', 'USD', 'AUD', 'JPY'])`)
    const error = await seedDemo(url, { now: new Date(), report: () => {} }).then(
      () => undefined,
      (failure: unknown) => failure,
    )
    expect(String(error)).to.include('organisation demo')
    await close()
  })
})

describe('demo: copies of the links', () => {
  it('add up to the number asked for, on the days and at the rates of their invoices', async function () {
    this.timeout(120_000)
    const url = await createDemoDatabase()
    const { db, close } = await openTestDatabase(url)
    const schema = await describeSchema(db)
    await seedLinks(url, { now: new Date(), report: () => {}, links: 26_100 })
    const [row] = await db.run(sql`
      select count(*)::integer as links, count(distinct l.short_code)::integer as codes,
             count(distinct l.external_reference)::integer as references,
             count(*) filter (where l.external_reference like '%-1')::integer as copies,
             bool_and(o.id is null or (l.amount_minor is not distinct from o.amount_minor and l.status = o.status
               and l.member_id is not distinct from o.member_id
               and l.created_at = o.created_at + interval '17.001 seconds')) as "isFaithful"
        from payment_links l
        left join payment_links o on o.external_reference = split_part(l.external_reference, '-1', 1)
         and l.external_reference like '%-1'`)
    expect(row).to.deep.equal({
      links: 26_100,
      codes: 26_100,
      references: 26_100,
      copies: 200,
      isFaithful: true,
    })
    const [rates] = await db.run(sql`
      select count(*)::integer as snapshots, bool_and(s.rate = x.rate and s.as_of = x.as_of) as "isSameRate"
        from payment_links l
        join fx_snapshots s on s.payment_link_id = l.id and s.captured_at = l.created_at
        join payment_links o on o.external_reference = split_part(l.external_reference, '-1', 1)
         and l.external_reference like '%-1'
        join fx_snapshots x on x.payment_link_id = o.id and x.asset = s.asset`)
    expect(rates).to.deep.equal({ snapshots: 800, isSameRate: true })
    const [{ products } = { products: 0 }] = await db.run(
      sql<{ products: number }>`select count(*)::integer as products from products`,
    )
    expect(products).to.equal(4070)
    expect(await describeSchema(db)).to.deep.equal(schema)
    await close()
  })
})

/** Aborts while the first statement after that step is under way. */
function abortedAt(step: string, reason: Error) {
  const controller = new AbortController()
  return {
    now: new Date(),
    signal: controller.signal,
    report: (text: string): void => {
      if (text.startsWith(step)) {
        setImmediate(() => controller.abort(reason))
      }
    },
  }
}

/** Every index and constraint with its definition: a bulk load takes them away for a while. */
async function describeSchema(db: Database): Promise<readonly string[]> {
  const rows = await db.run(sql<{ definition: string }>`
    select indexdef as definition from pg_indexes where schemaname = 'public'
    union all
    select format('%s %s %s %s', conrelid::regclass, conname, convalidated, pg_get_constraintdef(oid))
      from pg_constraint where connamespace = 'public'::regnamespace
    order by 1`)
  return rows.map(({ definition }) => definition)
}
