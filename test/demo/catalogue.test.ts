import { expect } from 'chai'
import { sql } from 'kysely'
import type { Database } from '#platform/database/database'
import { readColumns } from '../../migrations/demo/packed.ts'
import { seedDemo } from '../../migrations/demo/seed.ts'
import { openTestDatabase, type OpenDatabase } from '../support/database.ts'
import { createDemoDatabase } from '../support/demo.ts'
import { divideHalfEven, readRates, scaled } from './published.ts'
import { readProducts, type PublishedProduct } from './published-products.ts'

describe('demo: the catalogue', () => {
  let url: string
  let opened: OpenDatabase
  let db: Database
  let published: ReadonlyMap<string, PublishedProduct>

  before(async function () {
    this.timeout(120_000)
    url = await createDemoDatabase()
    opened = await openTestDatabase(url)
    db = opened.db
    published = await readProducts()
  })
  after(() => opened.close())

  it('has every published category, below the parent that its own path names', async () => {
    const rows = await db.run(sql<{ name: string; parent: string | null; path: string }>`
      select c.name, parent.name as parent, c.path
        from categories c left join categories parent on parent.id = c.parent_id
         and c.path = parent.path || '/' || c.slug and c.depth = parent.depth + 1`)
    const table = await readColumns('categories')
    const [ids = [], names = [], parents = []] = ['id', 'name', 'parent'].map((column) =>
      (table.get(column) ?? '').split('\n'),
    )
    const nameOf = new Map(ids.map((id, at) => [id, names[at]?.trim() || id]))
    const expected = ids.map((id, at) => [nameOf.get(id), nameOf.get(parents[at] ?? '') ?? null])
    const found = rows.map(({ name, parent }) => [name, parent])
    expect(found.map(String).toSorted()).to.deep.equal(expected.map(String).toSorted())
    expect(rows).to.have.length(4584)
    expect(rows.filter(({ parent }) => parent === null)).to.have.length(43)
    expect(new Set(rows.map(({ path }) => path)).size).to.equal(4584)
  })

  it('has a product for every stock code, with the title, the time and the status of its lines', async () => {
    const rows = await db.run(sql<ProductRow>`
      select sku, slug, title, kind, status,
             to_char(published_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') as "publishedAt"
        from products`)
    expect(rows).to.have.length(4070)
    const wrong = rows.filter(({ sku, title, kind, status, publishedAt }) => {
      const product = published.get(sku)
      return (
        product?.title !== title ||
        product.firstAt !== publishedAt ||
        (status === 'active') !== (product.isActive && kind !== 'service')
      )
    })
    expect(wrong.slice(0, 3)).to.deep.equal([])
    expect(countBy(rows, ({ status }) => status)).to.deep.equal({ active: 3226, archived: 844 })
    expect(countBy(rows, ({ kind }) => kind)).to.deep.equal({
      physical: 4051,
      digital: 7,
      service: 12,
    })
    const cakestand = rows.find(({ sku }) => sku === '22423')
    expect(cakestand?.slug).to.equal('regency-cakestand-3-tier-22423')
    const twins = rows.filter(({ sku }) => sku.toLowerCase() === '85123a')
    expect(twins.map(({ slug }) => slug).toSorted()).to.deep.equal([
      'white-hanging-heart-t-light-holder-85123a',
      'white-hanging-heart-t-light-holder-85123a-2',
    ])
  })

  const places = {
    'JUMBO BAG PINK POLKADOT': 'Luggage, Bags & Travel',
    'SPACEBOY LUNCH BOX': 'Lunch Boxes',
    'ALARM CLOCK BAKELIKE RED': 'Clocks',
    'BLACK WINE GLASS': 'Wine Glasses',
    'PARTY TIME PENCIL ERASERS': 'Pens, Pencils & Markers',
    'REGENCY CAKESTAND 3 TIER': 'Gift Ideas',
    POSTAGE: 'Gift Ideas',
  }
  for (const [title, category] of Object.entries(places).filter(([, name]) => name !== null)) {
    it(`puts ${title} under ${category}`, async () => {
      const rows = await db.run(sql<{ name: string }>`
        select c.name from products p join categories c on c.id = p.category_id where p.title = ${title}`)
      expect([...new Set(rows.map(({ name }) => name))]).to.deep.equal([category])
    })
  }

  it('asks the price in pounds that most were sold at in the last month of sale, and the one before until then', async () => {
    const rows = await readPrices(db, 'GBP')
    const bySku = Map.groupBy(rows, ({ sku }) => sku)
    const services = await db.run(
      sql<{ sku: string }>`select sku from products where kind = 'service'`,
    )
    const expected = [...published]
      .filter(([sku]) => !services.some((service) => service.sku === sku))
      .map(([sku, { months }]) => [sku, lastTwo(months)] as const)
    const wrong = expected.filter(
      ([sku, spans]) =>
        JSON.stringify(spans) !==
        JSON.stringify(
          (bySku.get(sku) ?? []).map(({ amountMinor, from, to }) => ({
            pence: Number(amountMinor),
            from,
            to,
          })),
        ),
    )
    expect(wrong.slice(0, 3)).to.deep.equal([])
    expect(rows).to.have.length(expected.reduce((sum, [, spans]) => sum + spans.length, 0))
    expect(rows).to.have.length(6274)
  })

  it('asks the same in each settlement asset at the last rates of the data, half to even', async () => {
    const rates = new Map([...((await readRates()).get('2011-12-09') ?? []), ['EUR', '1']])
    const pounds = new Map(
      (await readPrices(db, 'GBP')).map((row) => [`${row.sku} ${row.from}`, row.amountMinor]),
    )
    const pound = scaled(rates.get('GBP') ?? '', 12)
    for (const [currency, exponent] of [
      ['EUR', 2],
      ['USD', 2],
      ['AUD', 2],
      ['JPY', 0],
    ] as const) {
      const rate = divideHalfEven(scaled(rates.get(currency) ?? '', 12) * 10n ** 12n, pound)
      const rows = await readPrices(db, currency)
      const wrong = rows.filter(({ sku, from, amountMinor }) => {
        const pence = BigInt(pounds.get(`${sku} ${from}`) ?? '')
        return String(divideHalfEven(pence * rate, 10n ** BigInt(14 - exponent))) !== amountMinor
      })
      expect(wrong.slice(0, 3), currency).to.deep.equal([])
      expect(rows, currency).to.have.length(pounds.size)
    }
  })

  it('compares a price with the one before it only where that was higher', async () => {
    const [row] = await db.run(sql`
      select count(*) filter (where compare_at_minor is not null)::integer as reduced,
             bool_and(compare_at_minor is not distinct from case when before > amount_minor then before end) as "isRight"
        from (select *, lag(amount_minor) over (partition by product_id, currency order by valid_from) as before
                from prices where currency = 'GBP') as p`)
    expect(row).to.deep.equal({ reduced: 1401, isRight: true })
  })

  it('has as much of all goods as was sold in the last 30 days, and is told when a week of them is left', async () => {
    const rows = await db.run(sql<StockRow>`
      select sku, status, kind, location, on_hand as "onHand", reserved, low_stock_threshold as threshold
        from inventory_items i join products p on p.id = i.product_id`)
    const wrong = rows.filter(({ sku, status, onHand, threshold, ...row }) => {
      const { soldCount, soldBeforeCount } = published.get(sku) ?? {}
      return (
        row.kind !== 'physical' ||
        row.location !== 'warehouse' ||
        row.reserved !== 0 ||
        onHand !== soldCount ||
        threshold !==
          (status === 'active' ? Math.ceil(((soldBeforeCount ?? Number.NaN) * 7) / 30) : null)
      )
    })
    expect(wrong.slice(0, 3)).to.deep.equal([])
    expect(rows).to.have.length(4051)
    expect(
      rows.filter((row) => row.threshold !== null && row.onHand <= row.threshold),
    ).to.have.length(505)
  })

  it('comes out the same when it is added to a demo that was loaded before there was one', async function () {
    this.timeout(60_000)
    const before = await describeCatalogue(db)
    // with the pages of the products, which go with them
    await db.run(sql`truncate categories, products, prices, inventory_items, tags cascade`)
    await db.run(
      sql`update organisations set settings = settings #- '{demo,products}' #- '{demo,contents}'`,
    )
    const steps: string[] = []
    await seedDemo(url, { now: new Date(), report: (step) => void steps.push(step) })
    expect(steps).to.deep.equal([
      'putting 4070 products into their categories',
      'taking 397924 purchases down to the pages of the products',
    ])
    expect(await describeCatalogue(db)).to.deep.equal(before)
    await seedDemo(url, { now: new Date(), report: (step) => expect.fail(step) })
  })
})

type ProductRow = {
  readonly sku: string
  readonly slug: string
  readonly title: string
  readonly kind: string
  readonly status: string
  readonly publishedAt: string
}

type PriceRow = {
  readonly sku: string
  readonly amountMinor: string
  readonly from: string
  readonly to: string | null
}

type StockRow = {
  readonly sku: string
  readonly status: string
  readonly kind: string
  readonly location: string
  readonly onHand: number
  readonly reserved: number
  readonly threshold: number | null
}

function readPrices(db: Database, currency: string): Promise<readonly PriceRow[]> {
  return db.run(sql<PriceRow>`
    select sku, amount_minor as "amountMinor",
           to_char(valid_from at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') as from,
           to_char(valid_to at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') as to
      from prices x join products p on p.id = x.product_id
     where currency = ${currency} and not tax_inclusive
     order by sku, valid_from`)
}

/** The last two prices of a row of months, each from the first month that has it. */
function lastTwo(months: PublishedProduct['months']) {
  const changes = months.filter(({ pence }, at) => months[at - 1]?.pence !== pence)
  return changes
    .map(({ pence, firstAt }, at) => ({
      pence,
      from: firstAt,
      to: changes[at + 1]?.firstAt ?? null,
    }))
    .slice(-2)
}

function countBy<T>(rows: readonly T[], key: (row: T) => string): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(rows, key)].map(([name, { length }]) => [name, length]))
}

/** Every row by its natural key, for the ids are drawn anew each time. */
async function describeCatalogue(db: Database): Promise<readonly string[]> {
  const rows = await db.run(sql<{ line: string }>`
    select concat_ws('|', path, name, depth) as line from categories
    union all
    select concat_ws('|', sku, p.slug, title, kind, status, published_at, created_at, c.path)
      from products p join categories c on c.id = category_id
    union all
    select concat_ws('|', sku, currency, amount_minor, compare_at_minor, valid_from, valid_to)
      from prices x join products p on p.id = product_id
    union all
    select concat_ws('|', sku, location, on_hand, reserved, low_stock_threshold)
      from inventory_items i join products p on p.id = product_id
    order by 1`)
  return rows.map(({ line }) => line)
}
