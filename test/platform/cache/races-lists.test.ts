import { expect } from 'chai'
import { item, numbered, page, type Question } from '../../support/cache-question.ts'
import {
  openCacheWorld,
  type CacheProcess,
  type CacheWorld,
  type Seen,
  type ShopPlace,
} from '../../support/cache-world.ts'

const insert = `insert into products (organisation_id, category_id, sku, slug, title, kind, status, published_at)
  select organisation_id, category_id, $2, lower($2), $2, kind, status, $3::timestamptz from products where id = $1`
const place = 'insert into inventory_items (organisation_id, product_id, location, on_hand)'

describe('a list that rows come into and leave', () => {
  let world: CacheWorld
  let shop: ShopPlace
  let process: CacheProcess
  before(async () => {
    world = await openCacheWorld()
  })
  beforeEach(async () => {
    shop = await world.shop(8)
    process = await world.open()
  })
  afterEach(() => world.end())
  after(() => world.close())

  const rewrite = async (text: string, values: readonly unknown[] = []): Promise<void> => {
    await world.write(text, values)
    await process.cache.acknowledge()
  }
  const read = (question: Question): Promise<Seen> => process.read(question)
  const titles = ({ json }: Seen): string[] => json.data.map(({ title }: any) => title)

  /** The pages of two products each, newest first: 8 7, 6 5, 4 3, 2 1. */
  async function pages(search = 'limit=2'): Promise<readonly Question[]> {
    const found: Question[] = []
    let after: readonly (string | null)[] | undefined
    do {
      const question = page(shop, search, after)
      found.push(question)
      const { json } = await read(question)
      after = json.page.hasMore ? json.page.lastKey : undefined
    } while (after !== undefined)
    return found
  }
  const outcomes = async (questions: readonly Question[]): Promise<string[]> => {
    const found = []
    for (const question of questions) {
      found.push((await read(question)).outcome)
    }
    return found
  }

  it('a row that a long transaction inserts into the middle of a deep page ends that page alone', async () => {
    const long = await world.session()
    await long.query('begin')
    await long.query(insert, [shop.id(0), 'Middle', '2026-01-01T00:03:30Z'])
    const all = await pages()
    await long.query('commit')
    await process.cache.acknowledge()
    expect(await outcomes(all)).to.deep.equal(['hit', 'hit', 'miss', 'hit'])
    expect(titles(await read(all[2] ?? page(shop)))).to.deep.equal(['Ribbon 4', 'Middle'])
  })

  it('a row at the head ends the first page and leaves the deep ones alone', async () => {
    const all = await pages()
    await rewrite(insert, [shop.id(0), 'Newest', '2026-01-01T01:00:00Z'])
    expect(await outcomes(all)).to.deep.equal(['miss', 'hit', 'hit', 'hit'])
  })

  it('a row behind the last page ends the last page', async () => {
    const all = await pages()
    await rewrite(insert, [shop.id(0), 'Oldest', '2025-12-31T00:00:00Z'])
    expect(await outcomes(all)).to.deep.equal(['hit', 'hit', 'hit', 'miss'])
    expect((await read(all[3] ?? page(shop))).json.page.hasMore).to.equal(true)
  })

  it('a last page that was full is ended by the first row behind it', async () => {
    const full = page(shop, 'limit=8')
    expect((await read(full)).json.page.hasMore).to.equal(false)
    await rewrite(insert, [shop.id(0), 'Ninth', '2025-12-31T00:00:00Z'])
    const next = await read(full)
    expect(next.json.page.hasMore).to.equal(true)
    expect(next.json.data).to.have.length(8)
  })

  it('the row that only told that there is more is deleted: hasMore becomes false', async () => {
    const seven = page(shop, 'limit=7')
    expect((await read(seven)).json.page.hasMore).to.equal(true)
    await rewrite('delete from inventory_items where product_id = $1', [shop.id(0)])
    await rewrite('delete from products where id = $1', [shop.id(0)])
    const next = await read(seven)
    expect(next.json.page.hasMore).to.equal(false)
    expect(next.json.data).to.have.length(7)
  })

  it('a row that leaves by its filter column ends the list that it left and the one that it joins', async () => {
    const { rows } = await world.business.db.pool.query(
      `select id from categories where organisation_id = $1 and depth = 1 order by slug`,
      [shop.organisationId],
    )
    const [from, to, other] = rows.map(({ id }) => page(shop, `categoryId=${id}`))
    if (!from || !to || !other) {
      throw new Error('three categories are needed')
    }
    expect(titles(await read(from))).to.have.length(8)
    expect(titles(await read(to))).to.deep.equal([])
    await read(other)
    await rewrite('update products set category_id = $1 where id = $2', [rows[1]?.id, shop.id(3)])
    expect(titles(await read(from))).to.have.length(7)
    expect(titles(await read(to))).to.deep.equal(['Ribbon 4'])
    expect((await read(other)).outcome).to.equal('hit')
  })

  it('a row that its sort key moves ends the page that it left and the one that it comes to', async () => {
    // Lantern 1, 3 | 5, 7 | Ribbon 2, 4 | 6, 8
    const all = await pages('limit=2&sort=title')
    await rewrite(`update products set title = 'Ribbon 7' where id = $1`, [shop.id(0)])
    expect(await outcomes(all)).to.deep.equal(['miss', 'hit', 'hit', 'miss'])
    expect(titles(await read(all[3] ?? page(shop)))).to.deep.equal(['Ribbon 6', 'Ribbon 7'])
  })

  it('a row that is hidden, and one that is shown again, ends its page', async () => {
    const all = await pages()
    // The third page begins beside row 5: it is taken to be concerned, which costs a fetch and no truth.
    await rewrite(`update products set status = 'draft' where id = $1`, [shop.id(4)])
    expect(await outcomes(all)).to.deep.equal(['hit', 'miss', 'miss', 'hit'])
    await rewrite(`update products set status = 'active' where id = $1`, [shop.id(4)])
    expect(titles(await read(all[1] ?? page(shop)))).to.deep.equal(['Ribbon 6', 'Lantern 5'])
  })

  it('an empty list is kept, and ended by its first row', async () => {
    const question = page(shop, 'sku=first')
    expect(titles(await read(question))).to.deep.equal([])
    expect((await read(question)).outcome).to.equal('hit')
    await rewrite(insert, [shop.id(0), 'first', '2026-01-02'])
    expect(titles(await read(question))).to.deep.equal(['first'])
  })

  it('an empty list is left alone by rows that its filter does not take', async () => {
    const question = page(shop, 'sku=first')
    await read(question)
    await rewrite(insert, [shop.id(0), 'second', '2026-01-02'])
    expect((await read(question)).outcome).to.equal('hit')
  })

  it('a 404 is kept, and ended when the row is created', async () => {
    const id = '01900000-0000-7000-8000-00000000abcd'
    const question = item(shop, id)
    expect((await read(question)).status).to.equal(404)
    expect((await read(question)).outcome).to.equal('hit')
    await world.write('delete from inventory_items where product_id = $1', [shop.id(7)])
    await rewrite('update products set id = $1 where id = $2', [id, shop.id(7)])
    expect((await read(question)).status).to.equal(200)
    expect((await read(item(shop, shop.id(7)))).status).to.equal(404)
  })

  it('an upper-case uuid has no 404 and no empty list of its own', async () => {
    const id = '01900000-0000-7000-8000-0000000abcde'
    const upper = item(shop, id.toUpperCase())
    expect((await read(upper)).status).to.equal(404)
    expect((await read(item(shop, id))).outcome).to.equal('hit')
    const { rows } = await world.business.db.pool.query(
      `select id from categories where organisation_id = $1 and slug = 'shelf-5'`,
      [shop.organisationId],
    )
    const shouted = page(shop, `categoryId=${String(rows[0]?.id).toUpperCase()}`)
    expect(titles(await read(shouted))).to.deep.equal([])
    await world.write('delete from inventory_items where product_id = $1', [shop.id(7)])
    await rewrite('update products set id = $1, category_id = $3 where id = $2', [
      id,
      shop.id(7),
      rows[0]?.id,
    ])
    expect((await read(upper)).status).to.equal(200)
    expect(titles(await read(shouted))).to.deep.equal(['Ribbon 8'])
  })

  it('a count, an estimate and a page of version 1 end when any row comes or goes', async () => {
    const counted = [
      page(shop, 'limit=2&count=exact'),
      page(shop, 'limit=2&count=estimated'),
      numbered(shop, 'limit=2&page=2'),
    ]
    await outcomes(counted)
    expect(await outcomes(counted)).to.deep.equal(['hit', 'hit', 'hit'])
    await rewrite(insert, [shop.id(0), 'Oldest', '2025-12-31T00:00:00Z'])
    const [exact, estimated, version1] = await Promise.all(counted.map(read))
    expect(exact?.json.page.total).to.equal(9)
    expect(estimated?.outcome).to.equal('miss')
    expect(version1?.json.page.total).to.equal(9)
  })

  it('a count is left alone by a change that moves no row', async () => {
    const counted = page(shop, 'limit=1&count=exact')
    await read(counted)
    await rewrite(`update products set description = 'Longer' where id = $1`, [shop.id(0)])
    expect((await read(counted)).outcome).to.equal('hit')
  })

  it('a child that is added, moved to another parent, or removed ends what shows it', async () => {
    const [from, to, other] = [3, 4, 5].map((index) =>
      item(shop, shop.id(index), 'expand=inventory'),
    )
    if (!from || !to || !other) {
      throw new Error('three products are needed')
    }
    const placesOf = async (question: Question): Promise<string[]> =>
      (await read(question)).json.data.inventory.data.map(({ location }: any) => location)
    expect([await placesOf(from), await placesOf(to), await placesOf(other)]).to.deep.equal([
      [],
      [],
      [],
    ])
    await rewrite(`${place} values ($1, $2, 'attic', 1)`, [shop.organisationId, shop.id(3)])
    expect(await placesOf(from)).to.deep.equal(['attic'])
    expect((await read(to)).outcome).to.equal('hit')
    await rewrite(`update inventory_items set product_id = $1 where product_id = $2`, [
      shop.id(4),
      shop.id(3),
    ])
    expect(await placesOf(from)).to.deep.equal([])
    expect(await placesOf(to)).to.deep.equal(['attic'])
    await rewrite('delete from inventory_items where product_id = $1', [shop.id(4)])
    expect(await placesOf(to)).to.deep.equal([])
    expect((await read(other)).outcome).to.equal('hit')
  })

  it('a child in a page of parents, and a parent of a row, are seen as well', async () => {
    const listed = page(shop, 'limit=2&expand=category,inventory')
    await read(listed)
    await rewrite(`${place} values ($1, $2, 'attic', 1)`, [shop.organisationId, shop.id(7)])
    expect((await read(listed)).json.data[0].inventory.data).to.have.length(1)
    await rewrite(
      `update categories set name = 'Renamed' where organisation_id = $1 and slug = 'shelf-1'`,
      [shop.organisationId],
    )
    expect((await read(listed)).json.data[0].category.name).to.equal('Renamed')
  })
})
