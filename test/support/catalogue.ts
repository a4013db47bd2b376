import { sql } from 'kysely'
import type { Business, Tenant } from './business.ts'

export type Shop = {
  readonly rootId: string
  readonly productIds: readonly string[]
}

/** Writes a tree of 14 categories and `count` active products, ribbons and lanterns, a minute apart in the first category
 *  below the root. The first product has prices in 13 currencies and lies at 13 places. */
export async function addProducts(
  { db }: Pick<Business, 'db'>,
  { organisationId }: Pick<Tenant, 'organisationId'>,
  count: number,
): Promise<Shop> {
  const [root] = await db.run(sql<{ id: string }>`
    insert into categories (organisation_id, slug, name, path, depth)
    values (${organisationId}, 'gifts', 'Gifts', 'gifts', 0) returning id`)
  await db.run(sql`
    insert into categories (organisation_id, parent_id, slug, name, path, depth)
    select ${organisationId}, ${root?.id}, slug, slug, 'gifts/' || slug, 1
      from (select 'shelf-' || n as slug from generate_series(1, 13) as n) as shelf`)
  const products = await db.run(sql<{ id: string }>`
    insert into products (organisation_id, category_id, sku, slug, title, kind, status, published_at, created_at)
    select ${organisationId}, c.id, 'P' || n, 'product-' || n,
           case n % 2 when 0 then 'Ribbon ' else 'Lantern ' end || n, 'physical', 'active', at, at
      from categories c, generate_series(1, ${count}::integer) as n,
           lateral (select timestamptz '2026-01-01T00:00:00Z' + n * interval '1 minute' as at) as published
     where c.organisation_id = ${organisationId} and c.slug = 'shelf-1'
     order by n
    returning id`)
  const productIds = products.map(({ id }) => id)
  await db.run(sql`
    insert into prices (organisation_id, product_id, currency, amount_minor, tax_inclusive, valid_from)
    select ${organisationId}, ${productIds[0]}, code, 1000, false, '2026-01-01T00:00:00Z'
      from assets where kind = 'fiat' order by code limit 13`)
  await db.run(sql`
    insert into inventory_items (organisation_id, product_id, location, on_hand, reserved)
    select ${organisationId}, ${productIds[0]}, 'warehouse-' || n, 10, n % 3 from generate_series(1, 13) as n`)
  return { rootId: root?.id ?? '', productIds }
}
