import { expect } from 'chai'
import { transaction } from '#platform/database/transaction'
import { item } from '../../support/cache-question.ts'
import { openCacheWorld, type CacheWorld, type ShopPlace } from '../../support/cache-world.ts'

const rename = 'update products set title = $1 where id = $2'
const price = `insert into prices (organisation_id, product_id, currency, amount_minor, tax_inclusive, valid_from)
  values ($1, $2, $3, 100, false, '2026-01-01')`

describe('a fill and a write at the same time', () => {
  let world: CacheWorld
  let shop: ShopPlace
  before(async () => {
    world = await openCacheWorld()
  })
  beforeEach(async () => {
    shop = await world.shop(2)
  })
  afterEach(() => world.end())
  after(() => world.close())

  it('a fill that overlapped a write is not served after the write was acknowledged', async () => {
    const process = await world.open()
    const question = item(shop, shop.id(0))
    const stop = process.gate.hold('after')
    const overlapping = process.read(question)
    await stop.reached
    await world.write(rename, ['New', shop.id(0)])
    await process.cache.acknowledge()
    stop.open()
    expect((await overlapping).json.data.title).to.equal('Lantern 1')
    const next = await process.read(question)
    expect(next.json.data.title).to.equal('New')
    expect(next.outcome).to.equal('miss')
    expect((await process.read(question)).outcome).to.equal('hit')
  })

  it('a fill that saw a write is kept when the process hears of the write', async () => {
    const process = await world.open()
    const question = item(shop, shop.id(0))
    await world.write(rename, ['New', shop.id(0)])
    expect((await process.read(question)).json.data.title).to.equal('New')
    const changesBefore = process.cache.report().changes
    await process.cache.acknowledge()
    expect(process.cache.report().changes).to.be.above(changesBefore)
    expect((await process.read(question)).outcome).to.equal('hit')
  })

  it('a fill that was sent before COMMIT and executed after it is kept', async () => {
    const process = await world.open()
    const question = item(shop, shop.id(0))
    const stop = process.gate.hold('before')
    const filling = process.read(question)
    await stop.reached
    await world.write(rename, ['New', shop.id(0)])
    await process.cache.acknowledge()
    stop.open()
    expect((await filling).json.data.title).to.equal('New')
    expect((await process.read(question)).outcome).to.equal('hit')
  })

  it('100 opens, 105 commits, the fill sees 105, 100 commits: the entry dies', async () => {
    const process = await world.open()
    const question = item(shop, shop.id(0), 'expand=prices')
    const early = await world.session()
    await early.query('begin')
    await early.query(price, [shop.organisationId, shop.id(0), 'EUR'])
    await world.write(price, [shop.organisationId, shop.id(0), 'USD'])
    expect((await process.read(question)).json.data.prices.data).to.have.length(1)
    await process.cache.catchUp()
    await early.query('commit')
    await process.cache.acknowledge()
    const next = await process.read(question)
    expect(next.json.data.prices.data).to.have.length(2)
    expect(next.outcome).to.equal('miss')
  })

  it('100 opens, 105 commits, 100 commits, and both are heard of at once: the entry dies', async () => {
    const process = await world.open()
    const question = item(shop, shop.id(0), 'expand=prices')
    const early = await world.session()
    await early.query('begin')
    await early.query(price, [shop.organisationId, shop.id(0), 'EUR'])
    await world.write(price, [shop.organisationId, shop.id(0), 'USD'])
    expect((await process.read(question)).json.data.prices.data).to.have.length(1)
    await early.query('commit')
    await process.cache.acknowledge()
    expect((await process.read(question)).json.data.prices.data).to.have.length(2)
  })

  it('ids that commit out of order are not passed over by catch-ups', async () => {
    const process = await world.open()
    const question = item(shop, shop.id(0))
    expect((await process.read(question)).outcome).to.equal('miss')
    const early = await world.session()
    await early.query('begin')
    await early.query(rename, ['New', shop.id(0)])
    await world.write(rename, ['Later id, earlier commit', shop.id(1)])
    await process.cache.catchUp()
    await early.query('commit')
    await process.cache.acknowledge()
    expect((await process.read(question)).json.data.title).to.equal('New')
  })

  it('a transaction that began long before the fill and commits after it ends the entry', async () => {
    const process = await world.open()
    const question = item(shop, shop.id(0))
    const long = await world.session()
    await long.query('begin')
    await long.query(rename, ['New', shop.id(0)])
    for (let turn = 0; turn < 5; turn += 1) {
      await world.write(rename, [`Turn ${turn}`, shop.id(1)])
      await process.cache.catchUp()
    }
    expect((await process.read(question)).json.data.title).to.equal('Lantern 1')
    await process.cache.catchUp()
    expect((await process.read(question)).outcome).to.equal('hit')
    await long.query('commit')
    await process.cache.acknowledge()
    expect((await process.read(question)).json.data.title).to.equal('New')
  })

  it('a reader who came after an acknowledged write is not given the fill that was sent before it', async () => {
    const process = await world.open()
    const question = item(shop, shop.id(0))
    const stop = process.gate.hold('after')
    const older = process.read(question)
    await stop.reached
    await world.write(rename, ['New', shop.id(0)])
    await process.cache.acknowledge()
    const later = process.read(question)
    stop.open()
    expect((await older).json.data.title).to.equal('Lantern 1')
    expect((await later).json.data.title).to.equal('New')
  })

  it('of many readers who came after it one fetches, and the others share that', async () => {
    const process = await world.open()
    const question = item(shop, shop.id(0))
    const stop = process.gate.hold('after')
    const older = process.read(question)
    await stop.reached
    await world.write(rename, ['New', shop.id(0)])
    await process.cache.acknowledge()
    const later = Array.from({ length: 20 }, () => process.read(question))
    stop.open()
    await older
    const titles = (await Promise.all(later)).map(({ json }) => json.data.title)
    expect(new Set(titles)).to.deep.equal(new Set(['New']))
    expect(process.gate.count()).to.equal(2)
  })

  it('a reader who came while the fill ran shares it when nothing has changed', async () => {
    const process = await world.open()
    const question = item(shop, shop.id(0))
    const stop = process.gate.hold('after')
    const older = process.read(question)
    await stop.reached
    const later = process.read(question)
    stop.open()
    expect((await older).isCollapsed).to.equal(false)
    expect((await later).isCollapsed).to.equal(true)
    expect(process.gate.count()).to.equal(1)
  })

  it('what a transaction that has written reads is given to it and never stored', async () => {
    const process = await world.open()
    const question = item(shop, shop.id(0))
    const rolledBack = transaction(world.business, async (tx) => {
      await tx.em.execute(rename.replace('$1', '?').replace('$2', '?'), ['Uncommitted', shop.id(0)])
      const own = question(process.reader)
      const seen = await process.read(question, { fill: () => own.fill(tx) })
      expect(seen.json.data.title).to.equal('Uncommitted')
      expect(seen.isStored).to.equal(false)
      throw new Error('changed its mind')
    })
    await rolledBack.catch((error: unknown) => expect(String(error)).to.include('mind'))
    const next = await process.read(question)
    expect(next.json.data.title).to.equal('Lantern 1')
    expect(next.outcome).to.equal('miss')
  })

  it('a fill that fails is not kept, and the next reader fetches', async () => {
    const process = await world.open()
    const question = item(shop, shop.id(0))
    process.gate.fail(new Error('a fault of ours'))
    const first = await process.read(question).catch(String)
    expect(first).to.include('a fault of ours')
    const next = await process.read(question)
    expect(next.json.data.title).to.equal('Lantern 1')
    expect(next.outcome).to.equal('miss')
  })
})
