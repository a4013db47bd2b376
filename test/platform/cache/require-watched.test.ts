import { expect } from 'chai'
import { sql } from 'kysely'
import { requireWatched, type WatchedTable } from '#platform/cache/require-watched'
import { unwatch, watch } from '#platform/cache/watch'
import { openTables } from '#platform/resource/table'
import { watchedColumns } from '#platform/resource/watched-columns'
import { resources } from '../../../api/resources.ts'
import { openBusiness, type Business } from '../../support/business.ts'

const products: WatchedTable = {
  table: 'products',
  key: ['id'],
  keys: ['organisation_id', 'status'],
  shown: ['description', 'title'],
}

describe('the boot check of the cache', () => {
  let business: Business
  before(async () => {
    business = await openBusiness()
  })
  after(() => business.lifecycle.stop())

  const run = (...statements: readonly string[]) =>
    statements.reduce(async (before, statement) => {
      await before
      await business.db.run(sql`${sql.raw(statement)}`)
    }, Promise.resolve())
  const complaint = (...wanted: readonly WatchedTable[]) =>
    requireWatched(business.db, wanted).then(
      () => undefined,
      (error: Error) => error.message,
    )
  const triggers = (change: string) => run(`alter table products ${change}`)

  it('finds every declared read watched by the migrated database', async () => {
    const wanted = watchedColumns(openTables(business.db.orm, resources))
    expect(wanted.map(({ table }) => table)).to.have.length.above(15)
    await requireWatched(business.db, wanted)
  })

  it('finds a trigger that is disabled, or fires only in ordinary sessions', async () => {
    for (const change of ['disable trigger watch_update', 'enable trigger watch_update']) {
      await triggers(change)
      const message = await complaint(products)
      await triggers('enable always trigger watch_update')
      expect(message).to.include('UPDATE of products fires no trigger always')
      expect(message).to.include('watch() of shared/platform/cache/watch.ts')
    }
    expect(await complaint(products)).to.equal(undefined)
  })

  it('finds a trigger that is gone or that calls something else', async () => {
    const restore = watch('products', products)
    for (const change of [
      'drop trigger watch_truncate on products',
      'create or replace trigger watch_truncate after truncate on products for each statement execute function watch_prices()',
    ]) {
      await run(change)
      const message = await complaint(products)
      await run(...restore)
      expect(message).to.include('TRUNCATE of products fires no trigger always')
    }
  })

  it('names the columns that are not told', async () => {
    expect(
      await complaint({
        ...products,
        keys: ['organisation_id', 'description'],
        shown: ['created_at'],
      }),
    ).to.include('products is watched without description among keys, created_at')
    expect(await complaint({ ...products, key: ['sku'] })).to.include(
      'products is told by id, not by its key sku',
    )
  })

  it('names the tables that are not watched or not there', async () => {
    const outbox = { table: 'outbox_events', key: ['id'], keys: [], shown: ['topic'] }
    const nothing = { ...outbox, table: 'nothing' }
    const message = await complaint(outbox, nothing)
    expect(message).to.include('nothing watches outbox_events (id, topic)')
    expect(message).to.include('there is no table nothing')
    await run(...unwatch('products'))
    expect(await complaint(products)).to.include('nothing watches products (id, organisation_id')
    await run(...watch('products', products))
  })

  it('finds a partition that came later', async () => {
    const parts = { table: 'parts', key: ['id'], keys: [], shown: [] }
    await run(
      'create table parts (id integer primary key) partition by range (id)',
      'create table parts_low partition of parts for values from (0) to (10)',
      ...watch('parts', parts),
    )
    expect(await complaint(parts)).to.equal(undefined)
    await run('create table parts_high partition of parts for values from (10) to (20)')
    expect(await complaint(parts)).to.include(
      'INSERT, DELETE, UPDATE, TRUNCATE of parts_high fires no trigger always',
    )
    await run(...watch('parts', parts))
    expect(await complaint(parts)).to.equal(undefined)
  })

  it('insists that a crash empties the log', async () => {
    await run('alter table change_log set logged')
    expect(await complaint(products)).to.include('change_log is not there or not UNLOGGED')
    await run('alter table change_log set unlogged')
  })
})

describe('what declared reads need to hear of', () => {
  let wanted: readonly WatchedTable[]
  before(async () => {
    const business = await openBusiness()
    wanted = watchedColumns(openTables(business.db.orm, resources))
    await business.lifecycle.stop()
  })
  const of = (table: string) => wanted.find((one) => one.table === table)

  it('is, of a table, what all its readers need', () => {
    expect(of('member_roles')).to.deep.equal({
      table: 'member_roles',
      key: ['member_id', 'role'],
      keys: ['organisation_id'],
      shown: [],
    })
    const entries = of('ledger_entries')
    expect(entries?.keys).to.have.members([
      'organisation_id',
      'payment_link_id',
      'account_id',
      'posted_at',
    ])
  })

  it('is all that decides where a row appears, apart from what is only shown', () => {
    expect(of('products')?.keys).to.have.members([
      'organisation_id',
      'category_id',
      'slug',
      'sku',
      'published_at',
      'title',
      'status',
      'deleted_at',
    ])
    expect(of('products')?.shown).to.have.members([
      'description',
      'kind',
      'search',
      'updated_at',
      'version',
    ])
    expect(of('prices')?.keys).to.include.members(['valid_from', 'valid_to'])
  })

  it('leaves out what no reader sees', () => {
    expect(JSON.stringify(of('inventory_items'))).not.to.include('low_stock_threshold')
  })
})
