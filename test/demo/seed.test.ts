import { expect } from 'chai'
import { sql } from 'kysely'
import { createHash } from 'node:crypto'
import type { Database } from '#platform/database/database'
import { seedDemo } from '../../migrations/demo/seed.ts'
import { openTestDatabase, type OpenDatabase } from '../support/database.ts'
import { createDemoDatabase } from '../support/demo.ts'
import { divideHalfEven, readInvoices, readRates, scaled, type Invoice } from './published.ts'
import { fingerprint } from './fingerprint.ts'

describe('demo: the loaded business', () => {
  let url: string
  let opened: OpenDatabase
  let db: Database
  let invoices: ReadonlyMap<string, Invoice>

  before(async function () {
    this.timeout(120_000)
    url = await createDemoDatabase()
    opened = await openTestDatabase(url)
    db = opened.db
    invoices = await readInvoices()
  })
  after(() => opened.close())

  it('has a payment link for every invoice, as the rules make it of the lines', async () => {
    const links = await db.run(sql<LinkRow>`
      select l.external_reference as reference, l.status, l.amount_minor as "amountMinor", l.currency,
             to_char(l.created_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') as at,
             coalesce(m.email::text, '') as email, l.metadata ->> 'country' as country,
             l.completions_count as "completionsCount"
        from payment_links l left join members m on m.id = l.member_id`)
    expect(links).to.have.length(25_900)
    const wrong = links.filter((link) => {
      const invoice = invoices.get(link.reference)
      const email = invoice?.customer ? `customer-${invoice.customer}@customers.invalid` : ''
      return (
        invoice?.status !== link.status ||
        (invoice.amountMinor?.toString() ?? null) !== link.amountMinor ||
        invoice.at !== link.at ||
        invoice.country !== link.country ||
        email !== link.email ||
        link.currency !== 'GBP' ||
        link.completionsCount !== (invoice.status === 'paid' ? 1 : 0)
      )
    })
    expect(wrong).to.deep.equal([])
  })

  it('adds up, status by status, to what the lines add up to', async () => {
    const rows = await db.run(sql<{ status: string; links: string; sum: string }>`
      select status, count(*) as links, coalesce(sum(amount_minor), 0) as sum
        from payment_links group by status order by status`)
    const expected = ['cancelled', 'draft', 'open', 'paid'].map((status) => {
      const those = [...invoices.values()].filter((invoice) => invoice.status === status)
      const sum = those.reduce((total, { amountMinor }) => total + (amountMinor ?? 0n), 0n)
      return { status, links: String(those.length), sum: String(sum) }
    })
    expect(rows).to.deep.equal(expected)
    expect(rows.find(({ status }) => status === 'draft')).to.include({ links: '2102', sum: '0' })
  })

  it('has 4,372 members, all of them customers', async () => {
    const [row] = await db.run(sql`
      select count(*)::integer as members, count(distinct email)::integer as addresses,
             count(*) filter (where role = 'customer')::integer as customers
        from members left join member_roles on member_id = id`)
    expect(row).to.deep.equal({ members: 4372, addresses: 4372, customers: 4372 })
  })

  it('holds the whole history of the ECB with the digits of the file', async () => {
    const rows = await db.run(sql<{ day: string; quote: string; rate: string }>`
      select to_char(as_of at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') as day, quote_asset as quote, rate::text
        from fx_rates where provider = 'ecb' and base_asset = 'EUR' and not excluded`)
    const published = await readRates()
    const count = [...published.values()].reduce((sum, day) => sum + day.size, 0)
    expect(rows).to.have.length(count)
    const wrong = rows.filter(
      ({ day, quote, rate }) => published.get(day.replace('T00:00:00', ''))?.get(quote) !== rate,
    )
    expect(wrong).to.deep.equal([])
  })

  it('freezes four rates with every link: both legs as published for its day, or the last published day before', async function () {
    this.timeout(60_000)
    const published = await readRates()
    const days = [...published.keys()]
    const rows = await readSnapshots(db)
    const dates = new Set(rows.map(({ at }) => at.slice(0, 10)))
    const lastDayBy = new Map(
      [...dates].map((date) => [date, days.find((candidate) => candidate <= date) ?? '']),
    )
    expect(rows).to.have.length(103_600)
    const wrong = rows.filter((row) => {
      const day = lastDayBy.get(row.at.slice(0, 10)) ?? ''
      const rates = new Map([...(published.get(day) ?? []), ['EUR', '1']])
      const ageSeconds = (Date.parse(`${row.at}Z`) - Date.parse(`${day}T00:00:00Z`)) / 1000
      return (
        row.currencyLeg !== rates.get('GBP') ||
        row.assetLeg !== rates.get(row.asset) ||
        row.asOf !== `${day}T00:00:00` ||
        row.stalenessSeconds !== ageSeconds ||
        row.isStale
      )
    })
    expect(wrong.slice(0, 3)).to.deep.equal([])
    const weekend = rows.filter(({ at, asOf }) => at.slice(0, 10) !== asOf.slice(0, 10))
    expect(weekend.length).to.be.greaterThan(4 * 1000)
  })

  it('stores the exact quotient of the legs at 12 decimals and converts by it, half to even', async function () {
    this.timeout(60_000)
    const exponents: Readonly<Record<string, number>> = { EUR: 2, USD: 2, AUD: 2, JPY: 0 }
    const rows = await readSnapshots(db)
    const wrong = rows.filter(({ assetLeg, currencyLeg, rate, ...row }) => {
      const exact = divideHalfEven(scaled(assetLeg, 12) * 10n ** 12n, scaled(currencyLeg, 12))
      const divisor = 10n ** BigInt(12 + 2 - (exponents[row.asset] ?? Number.NaN))
      const amount =
        row.linkAmountMinor === null
          ? null
          : divideHalfEven(BigInt(row.linkAmountMinor) * exact, divisor).toString()
      return exact !== scaled(rate, 12) || amount !== row.amountMinor
    })
    expect(wrong.slice(0, 3)).to.deep.equal([])
  })

  it('hashes each snapshot over set, asset, rate, provider and instant', async () => {
    const rows = await readSnapshots(db)
    const wrong = rows.filter(({ setId, asset, rate, provider, asOf, hash }) => {
      const text = [setId, asset, rate, provider, `${asOf}Z`].join('|')
      return createHash('sha256').update(text).digest('hex') !== hash
    })
    expect(wrong.slice(0, 3)).to.deep.equal([])
  })

  it('tells of every link what happened to it', async () => {
    const rows = await db.run(sql`
      select l.status, string_agg(e.type, ' then ' order by e.id) as story, l.id
        from payment_links l join payment_events e on e.payment_link_id = l.id
       where e.occurred_at = l.created_at and e.amount_minor is not distinct from l.amount_minor
       group by l.id`)
    const stories = new Set(rows.map((row) => JSON.stringify({ ...(row as object), id: '' })))
    expect(
      [...stories].map((story) => Object.values(JSON.parse(story)).join(': ').trim()),
    ).to.have.members([
      'cancelled: created then cancelled:',
      'draft: created:',
      'open: created:',
      'paid: created then paid:',
    ])
    expect(rows).to.have.length(25_900)
  })

  it('gives ids that sort by the time of the invoice, and short codes that nobody shares', async () => {
    const [row] = await db.run(sql`
      select count(*) filter (where created_at < before)::integer as "outOfOrder",
             count(distinct short_code)::integer as codes,
             bool_and(short_code ~ '^[0-9a-f]{10}$') as "isWellFormed"
        from (select created_at, short_code, lag(created_at) over (order by id) as before from payment_links) as l`)
    expect(row).to.deep.equal({ outOfOrder: 0, codes: 25_900, isWellFormed: true })
  })

  it('replays the last published day for today, so that links can be made at once', async () => {
    const [row] = await db.run(sql`
      select count(*)::integer as rates, count(distinct r.batch_id)::integer as batches,
             bool_and(r.as_of = date_trunc('day', now(), 'UTC')) as "isToday",
             bool_and(r.rate = e.rate) as "isLastDay", max(b.rates_stored) as stored
        from fx_rates r join fx_batches b on b.id = r.batch_id
        left join fx_rates e on e.provider = 'ecb' and e.quote_asset = r.quote_asset and e.as_of = '2026-04-13T00:00:00Z'
       where r.provider = 'demo-replay'`)
    expect(row).to.deep.equal({ rates: 29, batches: 1, isToday: true, isLastDay: true, stored: 29 })
  })

  it('stays as it is when it is loaded again the same day, and gets only rates on another', async () => {
    const before = await fingerprint(db)
    await seedDemo(url, { now: new Date(), report: (step) => expect.fail(step) })
    expect(await fingerprint(db)).to.deep.equal(before)

    await seedDemo(url, {
      now: new Date(Date.now() + 86_400_000),
      report: (step) => expect.fail(step),
    })
    const { fx_rates: rates, fx_batches: batches, ...rest } = await fingerprint(db)
    expect([rates?.rows, batches?.rows]).to.deep.equal([
      (before['fx_rates']?.rows ?? 0) + 29,
      (before['fx_batches']?.rows ?? 0) + 1,
    ])
    const { fx_rates: _rates, fx_batches: _batches, ...restBefore } = before
    expect(rest).to.deep.equal(restBefore)
  })
})

type LinkRow = {
  readonly reference: string
  readonly status: string
  readonly amountMinor: string | null
  readonly currency: string
  readonly at: string
  readonly email: string
  readonly country: string
  readonly completionsCount: number
}

type SnapshotRow = {
  readonly setId: string
  readonly asset: string
  readonly rate: string
  readonly currencyLeg: string
  readonly assetLeg: string
  readonly amountMinor: string | null
  readonly linkAmountMinor: string | null
  readonly provider: string
  /** Of the link and of the capture, which are the same. */
  readonly at: string
  readonly asOf: string
  readonly stalenessSeconds: number
  readonly isStale: boolean
  readonly hash: string
}

function readSnapshots(db: Database): Promise<readonly SnapshotRow[]> {
  return db.run(sql<SnapshotRow>`
    select s.set_id as "setId", s.asset, s.rate::text, s.currency_leg::text as "currencyLeg",
           s.asset_leg::text as "assetLeg", s.amount_minor as "amountMinor", l.amount_minor as "linkAmountMinor",
           s.provider, to_char(l.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') as at,
           to_char(s.as_of at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') as "asOf",
           s.staleness_seconds as "stalenessSeconds", s.is_stale as "isStale", encode(s.hash, 'hex') as hash
      from fx_snapshots s
      join payment_links l on l.id = s.payment_link_id and l.fx_set_id = s.set_id and l.created_at = s.captured_at
     where s.snapshot_type = 'creation' and s.currency = 'GBP' and s.leg_base = 'EUR' and s.provider = 'ecb'`)
}
