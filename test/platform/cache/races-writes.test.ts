import { expect } from 'chai'
import { eventually } from '../queue/fixture.ts'
import { item, page } from '../../support/cache-question.ts'
import {
  openCacheWorld,
  type CacheProcess,
  type CacheWorld,
  type ShopPlace,
} from '../../support/cache-world.ts'

const rename = 'update products set title = $1 where id = $2'
const stock = 'insert into inventory_items (organisation_id, product_id, location, on_hand)'

describe('a write, by whatever means', () => {
  let world: CacheWorld
  let shop: ShopPlace
  let process: CacheProcess
  before(async () => {
    world = await openCacheWorld()
    await world.write(`alter table prices drop constraint prices_product_id_fkey, add constraint prices_product_id_fkey
      foreign key (product_id) references products (id) on delete cascade`)
  })
  beforeEach(async () => {
    shop = await world.shop(3)
    process = await world.open()
  })
  afterEach(() => world.end())
  after(() => world.close())

  const rewrite = async (text: string, values: readonly unknown[] = []): Promise<void> => {
    await world.write(text, values)
    await process.cache.acknowledge()
  }
  const titleOf = async (id: string): Promise<string> =>
    (await process.read(item(shop, id))).json.data.title
  const outcomeOf = async (index: number): Promise<string> =>
    (await process.read(item(shop, shop.id(index)))).outcome
  const placesOf = async (index: number): Promise<number> =>
    (await process.read(item(shop, shop.id(index), 'expand=inventory'))).json.data.inventory.data
      .length

  it('one that is rolled back ends no entry', async () => {
    await titleOf(shop.id(0))
    const session = await world.session()
    await session.query('begin')
    await session.query(rename, ['Never', shop.id(0)])
    await session.query('rollback')
    await process.cache.acknowledge()
    expect(await outcomeOf(0)).to.equal('hit')
  })

  it('of a transaction only the savepoint that was kept ends entries', async () => {
    await titleOf(shop.id(0))
    await titleOf(shop.id(1))
    const session = await world.session()
    await session.query('begin; savepoint one')
    await session.query(rename, ['Never', shop.id(0)])
    await session.query('rollback to one; savepoint two')
    await session.query(rename, ['New', shop.id(1)])
    await session.query('release two; commit')
    await process.cache.acknowledge()
    expect(await outcomeOf(0)).to.equal('hit')
    expect(await titleOf(shop.id(1))).to.equal('New')
  })

  it('raw SQL from a foreign session is seen, announced by PostgreSQL itself', async () => {
    await titleOf(shop.id(0))
    const psql = await world.session('psql')
    const before = process.cache.report().changes
    await psql.query(rename, ['By hand', shop.id(0)])
    await eventually(() => process.cache.report().changes > before || undefined)
    expect(await titleOf(shop.id(0))).to.equal('By hand')
  })

  it('an update of more than 500 rows at once ends every entry of the table', async () => {
    await rewrite(`${stock} select $1, $2, 'shelf-' || n, 1 from generate_series(1, 501) as n`, [
      shop.organisationId,
      shop.id(1),
    ])
    const shown = item(shop, shop.id(0), 'expand=inventory')
    await process.read(shown)
    const alone = item(shop, shop.id(0))
    await process.read(alone)
    await rewrite('update inventory_items set on_hand = 2 where product_id = $1', [shop.id(1)])
    expect((await process.read(shown)).reason).to.equal('changed')
    expect((await process.read(alone)).outcome).to.equal('hit')
  })

  it('COPY is seen', async () => {
    const count = await placesOf(0)
    const line = `${shop.organisationId},${shop.id(0)},copied,5`
    await rewrite(
      `copy inventory_items (organisation_id, product_id, location, on_hand) from program 'echo ${line}' csv`,
    )
    expect(await placesOf(0)).to.equal(count + 1)
  })

  it('INSERT … SELECT is seen', async () => {
    const count = await placesOf(1)
    await rewrite(
      `${stock} select organisation_id, $1, location, on_hand from inventory_items where product_id = $2 limit 3`,
      [shop.id(1), shop.id(0)],
    )
    expect(await placesOf(1)).to.equal(count + 3)
  })

  it('MERGE is seen', async () => {
    await titleOf(shop.id(0))
    await rewrite(
      `merge into products p using (select $1::uuid as id) as one on p.id = one.id
        when matched then update set title = 'Merged'`,
      [shop.id(0)],
    )
    expect(await titleOf(shop.id(0))).to.equal('Merged')
  })

  it('a cascade is seen in the table that it reaches', async () => {
    await world.write('delete from inventory_items where product_id = $1', [shop.id(2)])
    await world.write(
      `insert into prices (organisation_id, product_id, currency, amount_minor, tax_inclusive, valid_from)
       values ($1, $2, 'EUR', 100, false, '2026-01-01')`,
      [shop.organisationId, shop.id(2)],
    )
    await process.cache.acknowledge()
    const before = process.cache.report().changes
    await rewrite('delete from products where id = $1', [shop.id(2)])
    expect((await process.read(item(shop, shop.id(2)))).status).to.equal(404)
    const tags = await world.business.db.pool.query(
      `select relation from change_log where xid = (select max(xid) from change_log where relation = 'prices')`,
    )
    expect(tags.rows.map(({ relation }) => relation)).to.have.members(['prices', 'products'])
    expect(process.cache.report().changes).to.be.above(before)
  })

  it('TRUNCATE is seen', async () => {
    expect(await placesOf(0)).to.be.above(0)
    await rewrite('truncate inventory_items')
    expect(await placesOf(0)).to.equal(0)
  })

  it('an update of a column that no answer shows leaves entries alone', async () => {
    await titleOf(shop.id(0))
    await process.read(page(shop))
    const before = process.cache.report().changes
    await rewrite(`update products set created_at = now() where organisation_id = $1`, [
      shop.organisationId,
    ])
    expect(process.cache.report().changes).to.equal(before)
    expect(await outcomeOf(0)).to.equal('hit')
    expect((await process.read(page(shop))).outcome).to.equal('hit')
  })

  it('an update that changes nothing leaves entries alone', async () => {
    await titleOf(shop.id(0))
    await rewrite('update products set title = title where id = $1', [shop.id(0)])
    expect(await outcomeOf(0)).to.equal('hit')
  })

  it('one of another organisation leaves entries alone', async () => {
    const other = await world.shop(3)
    await process.read(page(shop))
    await rewrite(rename, ['Theirs', other.id(0)])
    expect((await process.read(page(shop))).outcome).to.equal('hit')
  })
})
