import { Migration } from '@mikro-orm/migrations'

/**
 * What is sold: a tree of categories, products, their prices over time and their stock. pg_trgm finds misspelt titles,
 * btree_gist lets one constraint compare ids and intervals; like citext both are trusted, so the owner of the database
 * may create them. Search is English: a tenant with another language needs a column that names it.
 */
export class Catalogue extends Migration {
  override up(): void {
    this.addSql('create extension if not exists pg_trgm')
    this.addSql('create extension if not exists btree_gist')
    this.addSql(categories)
    this.addSql(products)
    this.addSql(prices)
    this.addSql(inventoryItems)
    for (const [name, definition] of Object.entries(indexes)) {
      const [kind, on] = definition.startsWith('unique ')
        ? (['unique index', definition.slice('unique '.length)] as const)
        : (['index', definition] as const)
      this.addSql(`create ${kind} ${name} on ${on}`)
    }
    // A credential that may do all that its kind allowed so far may do so still; one that was made narrower stays so.
    this.addSql(`update api_keys set scopes = scopes || '{catalogue:read}'
      where scopes @> (case kind when 'secret' then '{payment-links:read,payment-links:write,fx:read}'
                                 when 'member' then '{payment-links:read,fx:read}'
                                 else '{fx:read}' end)::text[]`)
  }

  override down(): void {
    this.addSql(`update api_keys set scopes = array_remove(scopes, 'catalogue:read')`)
    for (const table of ['inventory_items', 'prices', 'products', 'categories']) {
      this.addSql(`drop table ${table}`)
    }
  }
}

/** `path` is the slugs from the root joined by `/`, so a subtree is a prefix; `depth` of a root is 0. */
const categories = `
create table categories (
  id uuid primary key default uuid_v7(),
  organisation_id uuid not null references organisations (id),
  parent_id uuid references categories (id),
  slug text collate "C" not null constraint categories_slug_check check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
  name text not null,
  path text collate "C" not null,
  depth smallint not null,
  constraint categories_path_check check (
    path = slug and parent_id is null or right(path, length(slug) + 1) = '/' || slug and parent_id is not null),
  constraint categories_depth_check check (depth = length(path) - length(replace(path, '/', '')))
)`

/** Shown while `active`, from `published_at` on; never null, so that the newest are one range of an index. */
const products = `
create table products (
  id uuid primary key default uuid_v7(),
  organisation_id uuid not null references organisations (id),
  category_id uuid not null references categories (id),
  sku text collate "C" not null,
  slug text collate "C" not null constraint products_slug_check check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
  title text collate "C" not null,
  description text not null default '',
  kind text not null check (kind in ('physical', 'digital', 'service', 'content')),
  status text collate "C" not null check (status in ('draft', 'active', 'archived')),
  published_at timestamptz not null default now(),
  search tsvector not null generated always as (
    setweight(to_tsvector('english', title), 'A') || setweight(to_tsvector('english', description), 'B')) stored,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  version integer not null default 1
)`

/** Valid from `valid_from` until before `valid_to`; at any instant a product has at most one price in a currency. */
const prices = `
create table prices (
  id uuid primary key default uuid_v7(),
  organisation_id uuid not null references organisations (id),
  product_id uuid not null references products (id),
  currency varchar(10) collate "C" not null references assets (code),
  amount_minor bigint not null constraint prices_amount_minor_check
    check (amount_minor between 0 and 9007199254740991),
  compare_at_minor bigint constraint prices_compare_at_minor_check
    check (compare_at_minor > amount_minor and compare_at_minor <= 9007199254740991),
  tax_inclusive boolean not null,
  valid_from timestamptz not null,
  valid_to timestamptz constraint prices_valid_to_check check (valid_to > valid_from),
  created_at timestamptz not null default now(),
  constraint prices_validity_excl exclude using gist (
    product_id with =, currency with =, tstzrange(valid_from, valid_to) with &&)
)`

/** `low_stock_threshold` null: nobody wants to be told. */
const inventoryItems = `
create table inventory_items (
  id uuid primary key default uuid_v7(),
  organisation_id uuid not null references organisations (id),
  product_id uuid not null references products (id),
  location text collate "C" not null,
  on_hand integer not null,
  reserved integer not null default 0,
  low_stock_threshold integer constraint inventory_items_low_stock_threshold_check check (low_stock_threshold >= 0),
  updated_at timestamptz not null default now(),
  constraint inventory_items_reserved_check check (0 <= reserved and reserved <= on_hand)
)`

const shown = `where status = 'active' and deleted_at is null`

/** Name to definition; the tables are empty, so nobody waits. Keyset lists end in (…, id) as those of 0007 do. */
const indexes: Readonly<Record<string, string>> = {
  idx_categories_org_path: 'categories (organisation_id, path, id)',
  // a level of the tree; two siblings never share a slug, nor do two roots
  idx_categories_parent_path: 'categories (organisation_id, parent_id, path, id)',
  idx_categories_parent_slug:
    'unique categories (organisation_id, parent_id, slug) nulls not distinct',
  idx_categories_org_slug: 'categories (organisation_id, slug, path, id)',
  idx_categories_org_depth: 'categories (organisation_id, depth, path, id)',
  // the probe of the tree's own foreign key
  idx_categories_parent: 'categories (parent_id)',

  // the back office sees every status, the storefront only what is `shown`
  idx_products_org_created:
    'products (organisation_id, created_at desc, id desc) where deleted_at is null',
  idx_products_status:
    'products (organisation_id, status, created_at desc, id desc) where deleted_at is null',
  idx_products_published: `products (organisation_id, published_at desc, id desc) ${shown}`,
  idx_products_title: `products (organisation_id, title, id) ${shown}`,
  idx_products_category_published: `products (organisation_id, category_id, published_at desc, id desc) ${shown}`,
  idx_products_category_title: `products (organisation_id, category_id, title, id) ${shown}`,
  // the probe of its foreign key
  idx_products_category: 'products (category_id)',
  idx_products_slug: 'unique products (organisation_id, slug)',
  idx_products_sku: 'unique products (organisation_id, sku)',
  idx_products_search: 'products using gin (search)',
  idx_products_title_trgm: 'products using gin (title gin_trgm_ops)',

  // the current price, index-only
  idx_prices_product_currency:
    'prices (product_id, currency, valid_from desc) include (amount_minor, valid_to)',
  idx_prices_product: 'prices (product_id, currency, id)',

  idx_inventory_items_product: 'unique inventory_items (product_id, location)',
  idx_inventory_items_org_updated: 'inventory_items (organisation_id, updated_at desc, id desc)',
  idx_inventory_items_low:
    'inventory_items (organisation_id, updated_at desc, id desc) where on_hand - reserved <= low_stock_threshold',
}
