import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'
import { withoutIndexes } from './bulk-load.ts'
import { readCategories } from './category-tree.ts'
import { createPlacer } from './place-product.ts'
import type { ProductFacts } from './product-facts.ts'
import { freeSlug, slugOf } from './slug.ts'

/** The last day of the orders: the day of the rates that prices are converted at, and of the stock. */
const lastDay = '2011-12-09'

/** Stock codes of what is no goods: post, fees, discounts, samples, corrections, and the carriage that has a number. */
const services = new Set('POST,DOT,C2,D,M,m,S,B,BANK CHARGES,AMAZONFEE,CRUK,23444'.split(','))

/** Loads the tree of categories and a product with prices and stock for every stock code. Its rules and what they come
 *  to are in data/README.md. The rates must be there. Nobody else can read the four tables until the end of the
 *  transaction. */
export async function loadCatalogue(
  db: Runner,
  { organisationId, products }: { organisationId: string; products: readonly ProductFacts[] },
): Promise<void> {
  const categories = await readCategories()
  const place = createPlacer(categories)
  const slugs = new Set<string>()
  const rows = products.map((product) => ({
    ...product,
    slug: freeSlug(slugOf([...new Set([product.title, product.code])].join(' ')), slugs),
    category: place(product.title),
    kind: kindOf(product),
  }))
  const tables = ['categories', 'products', 'prices', 'inventory_items']
  await withoutIndexes(db, { tables }, async () => {
    await insertCategories(db, organisationId, JSON.stringify(categories))
    await insertProducts(db, organisationId, JSON.stringify(rows))
    const priced = rows.filter(({ kind }) => kind !== 'service')
    await insertPrices(db, organisationId, JSON.stringify(priced.flatMap(spansOf)))
    const stocked = rows.filter(({ kind }) => kind === 'physical')
    await insertStock(db, organisationId, JSON.stringify(stocked.map(stockOf)))
  })
}

function kindOf({ code, title }: ProductFacts): 'physical' | 'digital' | 'service' {
  if (services.has(code)) {
    return 'service'
  }
  return /Gift Voucher|^High Resolution Image$/.test(title) ? 'digital' : 'physical'
}

function spansOf({ code, prices }: ProductFacts) {
  return prices.map((price) => ({ code, ...price }))
}

/** What was sold in the last 30 days is there again; fewer than a week's sales of the 30 days before are low. */
function stockOf({ code, isActive, soldCount, soldBeforeCount }: ProductFacts) {
  const threshold = isActive ? Math.ceil((soldBeforeCount * 7) / 30) : null
  return { code, onHand: soldCount, threshold }
}

async function insertCategories(db: Runner, organisationId: string, rows: string): Promise<void> {
  await db.run(sql`
    with made as materialized (
      select uuid_v7('2010-12-01T00:00:00Z') as id, path, parent, slug, name, depth
        from json_to_recordset(${rows}::json) as c (path text, parent text, slug text, name text, depth smallint)
    )
    insert into categories (id, organisation_id, parent_id, slug, name, path, depth)
    select made.id, ${organisationId}::uuid, parent.id, made.slug, made.name, made.path, made.depth
      from made left join made parent on parent.path = made.parent
     order by made.path`)
  await db.run(sql`analyze categories`)
}

async function insertProducts(db: Runner, organisationId: string, rows: string): Promise<void> {
  await db.run(sql`
    insert into products (id, organisation_id, category_id, sku, slug, title, kind, status, published_at, created_at,
                          updated_at)
    select uuid_v7(at), c.organisation_id, c.id, code, product.slug, title, kind,
           case when "isActive" and kind <> 'service' then 'active' else 'archived' end, at, at, at
      from json_to_recordset(${rows}::json) as product (code text, slug text, title text, category text, kind text,
                                                        "isActive" boolean, "firstAt" timestamp)
     cross join lateral (select "firstAt" at time zone 'UTC' as at) as first
      join categories c on c.organisation_id = ${organisationId}::uuid and c.path = product.category
     order by at, code`)
  await db.run(sql`analyze products`)
}

/** In pounds as they were, and in the organisation's settlement assets at the rates of the last day, half to even. A
 *  price that is lower than the one before it names that one to be compared with. */
async function insertPrices(db: Runner, organisationId: string, rows: string): Promise<void> {
  await db.run(sql`
    with rates as (
      select asset.code as currency, pound.exponent as exponent_from, asset.exponent as exponent_to,
             divide_half_even(case asset.code when 'EUR' then 1 else leg.rate end, base.rate, 12) as rate
        from organisations o
        join assets pound on pound.code = o.default_currency
        join assets asset on asset.code = any (o.settlement_assets || pound.code::text)
        join fx_rates base on base.provider = 'ecb' and base.base_asset = 'EUR' and base.quote_asset = pound.code
         and base.as_of = ${lastDay}::timestamp at time zone 'UTC' and not base.excluded
        left join fx_rates leg on leg.provider = 'ecb' and leg.base_asset = 'EUR' and leg.quote_asset = asset.code
         and leg.as_of = base.as_of and not leg.excluded
       where o.id = ${organisationId}::uuid
    ), spans as (
      select product.id as product_id, currency, "from" at time zone 'UTC' as valid_from,
             "to" at time zone 'UTC' as valid_to,
             convert_minor("amountMinor", rate, exponent_from, exponent_to) as amount_minor
        from json_to_recordset(${rows}::json) as span (code text, "amountMinor" bigint, "from" timestamp, "to" timestamp)
        join products product on product.organisation_id = ${organisationId}::uuid and product.sku = span.code
       cross join rates
    ), compared as (
      select *, lag(amount_minor) over (partition by product_id, currency order by valid_from) as before_minor
        from spans
    )
    insert into prices (id, organisation_id, product_id, currency, amount_minor, compare_at_minor, tax_inclusive,
                        valid_from, valid_to, created_at)
    select uuid_v7(valid_from), ${organisationId}::uuid, product_id, currency, amount_minor,
           case when before_minor > amount_minor then before_minor end, false, valid_from, valid_to, valid_from
      from compared
     order by valid_from, product_id, currency`)
}

async function insertStock(db: Runner, organisationId: string, rows: string): Promise<void> {
  await db.run(sql`
    insert into inventory_items (organisation_id, product_id, location, on_hand, low_stock_threshold, updated_at)
    select product.organisation_id, product.id, 'warehouse', "onHand", threshold, ${lastDay}::timestamp at time zone 'UTC'
      from json_to_recordset(${rows}::json) as stock (code text, "onHand" integer, threshold integer)
      join products product on product.organisation_id = ${organisationId}::uuid and product.sku = stock.code
     order by product.id`)
}
