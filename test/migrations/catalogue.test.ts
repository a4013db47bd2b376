import { expect } from 'chai'
import { Client } from 'pg'
import { createDatabase } from '../support/servers.ts'

const org = '01990000-0000-7000-8000-000000000001'
const root = '01990000-0000-7000-8000-000000000002'
const product = '01990000-0000-7000-8000-000000000003'

const other = { sku: `'85123A'`, slug: `'holder-85123a'` }
const dollars = { currency: `'USD'` }

describe('the database itself, of a catalogue', () => {
  let client: Client
  before(async () => {
    client = new Client({ connectionString: await createDatabase() })
    await client.connect()
    await client.query(
      `insert into organisations (id, name, slug, default_currency, settlement_assets)
       values ('${org}', 'Shop', 'shop', 'GBP', '{EUR,USD,AUD,JPY}')`,
    )
    await client.query(insert('categories', { id: `'${root}'` }))
    await client.query(insert('products', { id: `'${product}'` }))
  })
  after(() => client.end())

  const defaults: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    categories: { slug: `'gifts'`, name: `'Gifts'`, path: `'gifts'`, depth: '0' },
    products: {
      category_id: `'${root}'`,
      sku: `'22423'`,
      slug: `'cakestand-22423'`,
      title: `'REGENCY CAKESTAND 3 TIER'`,
      kind: `'physical'`,
      status: `'active'`,
    },
    prices: {
      product_id: `'${product}'`,
      currency: `'GBP'`,
      amount_minor: '1095',
      tax_inclusive: 'false',
      valid_from: `'2011-01-01Z'`,
      valid_to: `'2011-02-01Z'`,
    },
    inventory_items: {
      product_id: `'${product}'`,
      location: `'warehouse'`,
      on_hand: '5',
      reserved: '0',
    },
  }

  function insert(table: string, columns: Readonly<Record<string, string>>): string {
    const values = { organisation_id: `'${org}'`, ...defaults[table], ...columns }
    return `insert into ${table} (${Object.keys(values).join(', ')}) values (${Object.values(values).join(', ')})`
  }

  /** Kept where it is accepted: later cases meet it. */
  const cases: readonly (readonly [table: string, string, Record<string, string>, string])[] = [
    ['categories', 'a second root of the same slug', {}, 'idx_categories_parent_slug'],
    ['categories', 'a child', child('mugs', 'gifts/mugs'), 'accepted'],
    ['categories', 'it again', child('mugs', 'gifts/mugs'), 'idx_categories_parent_slug'],
    [
      'categories',
      'a child whose path ends in another slug',
      child('cups', 'gifts/mugs'),
      'categories_path_check',
    ],
    [
      'categories',
      'a root with the path of a child',
      { slug: `'cups'`, path: `'gifts/cups'`, depth: '1' },
      'categories_path_check',
    ],
    [
      'categories',
      'a depth that its path has not',
      { ...child('cups', 'gifts/cups'), depth: '2' },
      'categories_depth_check',
    ],
    [
      'categories',
      'a slug with a slash',
      { slug: `'a/b'`, path: `'a/b'`, depth: '1' },
      'categories_slug_check',
    ],
    ['products', 'a slug that is taken', { sku: `'1'` }, 'idx_products_slug'],
    ['products', 'a code that is taken', { slug: `'mug'` }, 'idx_products_sku'],
    ['products', 'the code in other letters', { ...other, sku: `'22423a'` }, 'accepted'],
    ['prices', 'in January', {}, 'accepted'],
    [
      'prices',
      'another that begins in January',
      { valid_from: `'2011-01-31T23:59Z'` },
      'prices_validity_excl',
    ],
    [
      'prices',
      'another that ends in January',
      { valid_from: `'2010-01-01Z'`, valid_to: `'2011-01-02Z'` },
      'prices_validity_excl',
    ],
    ['prices', 'from February on', { valid_from: `'2011-02-01Z'`, valid_to: 'null' }, 'accepted'],
    [
      'prices',
      'another in March',
      { valid_from: `'2011-03-01Z'`, valid_to: `'2011-04-01Z'` },
      'prices_validity_excl',
    ],
    ['prices', 'the same time in another currency', { currency: `'EUR'` }, 'accepted'],
    [
      'prices',
      'an empty interval',
      { ...dollars, valid_to: `'2011-01-01Z'` },
      'prices_valid_to_check',
    ],
    [
      'prices',
      'a negative amount',
      { ...dollars, amount_minor: '-1' },
      'prices_amount_minor_check',
    ],
    [
      'prices',
      '2^53',
      { ...dollars, amount_minor: '9007199254740992' },
      'prices_amount_minor_check',
    ],
    [
      'prices',
      'compared with itself',
      { ...dollars, compare_at_minor: '1095' },
      'prices_compare_at_minor_check',
    ],
    ['prices', 'for nothing', { ...dollars, amount_minor: '0' }, 'accepted'],
    ['inventory_items', 'all of it reserved', { reserved: '5' }, 'accepted'],
    ['inventory_items', 'the same place again', {}, 'idx_inventory_items_product'],
    [
      'inventory_items',
      'more reserved than there is',
      { location: `'shop'`, reserved: '6' },
      'inventory_items_reserved_check',
    ],
    [
      'inventory_items',
      'less than nothing reserved',
      { location: `'shop'`, reserved: '-1' },
      'inventory_items_reserved_check',
    ],
  ]
  for (const [table, what, columns, verdict] of cases) {
    it(`of ${table}: ${what}, ${verdict === 'accepted' ? 'accepted' : 'refused'}`, async () => {
      const given = await client.query(insert(table, columns)).then(
        () => 'accepted',
        ({ constraint, code }: { constraint?: string; code: string }) => constraint ?? code,
      )
      expect(given).to.equal(verdict)
    })
  }

  it('writes the words of title and description for search, those of the title first', async () => {
    await client.query(
      insert('products', {
        ...other,
        sku: `'2'`,
        slug: `'plate'`,
        title: `'Plates'`,
        description: `'for three tiers of cakes'`,
      }),
    )
    const { rows } = await client.query(
      `select title from products where search @@ websearch_to_tsquery('english', 'tier')
        order by ts_rank(search, websearch_to_tsquery('english', 'tier')) desc`,
    )
    const titles = rows.map(({ title }: { title: string }) => title)
    expect(titles.at(-1)).to.equal('Plates')
    expect(titles).to.have.length(3)
  })
})

function child(slug: string, path: string): Record<string, string> {
  return { parent_id: `'${root}'`, slug: `'${slug}'`, path: `'${path}'`, depth: '1' }
}
