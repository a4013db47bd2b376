import { expect } from 'chai'
import { item, page, type Question } from '../../support/cache-question.ts'
import {
  openCacheWorld,
  type CacheProcess,
  type CacheWorld,
  type ShopPlace,
} from '../../support/cache-world.ts'
import { eventually } from '../queue/fixture.ts'

const rename = 'update products set title = $1 where id = $2'
const away = () => Object.assign(new Error('away'), { code: 'ECONNREFUSED' })

describe('a kept answer and the clock', () => {
  let world: CacheWorld
  let shop: ShopPlace
  let process: CacheProcess
  let question: Question
  before(async () => {
    world = await openCacheWorld()
  })
  beforeEach(async () => {
    shop = await world.shop(3)
    process = await world.open()
    question = item(shop, shop.id(0))
  })
  afterEach(() => world.end())
  after(() => world.close())

  /** Time passes, and the process is as well informed as before. */
  async function pass(delayMs: number): Promise<void> {
    await process.clock.advance(delayMs)
    await process.cache.catchUp()
  }
  const outcome = async (): Promise<string> => (await process.read(question)).outcome

  it('an instant that it depends on passes by the clock alone: it is not served after it', async () => {
    const publishedAt = new Date(process.clock.now().getTime() + 5_000)
    await world.write('update products set published_at = $1 where id = $2', [
      publishedAt,
      shop.id(0),
    ])
    await process.cache.catchUp()
    const list = page(shop, 'sort=title')
    expect((await process.read(list)).json.data).to.have.length(2)
    expect((await process.read(question)).status).to.equal(404)
    await pass(4_999)
    expect((await process.read(list)).outcome).to.equal('hit')
    expect((await process.read(question)).status).to.equal(404)
    await pass(1)
    expect((await process.read(list)).json.data).to.have.length(3)
    expect((await process.read(question)).status).to.equal(200)
  })

  it('a price that ends by the clock alone is not shown after it', async () => {
    const until = new Date(process.clock.now().getTime() + 5_000)
    await world.write(
      `insert into prices (organisation_id, product_id, currency, amount_minor, tax_inclusive, valid_from, valid_to)
       values ($1, $2, 'EUR', 100, false, '2026-01-01', $3)`,
      [shop.organisationId, shop.id(0), until],
    )
    await process.cache.catchUp()
    const priced = item(shop, shop.id(0), 'expand=prices')
    expect((await process.read(priced)).json.data.prices.data).to.have.length(1)
    await pass(5_000)
    expect((await process.read(priced)).json.data.prices.data).to.have.length(0)
  })

  it('an aged answer is served while it is refreshed', async () => {
    await process.read(question)
    await pass(70_000)
    const stop = process.gate.hold('before')
    expect(await outcome()).to.equal('aged')
    await stop.reached
    expect(await outcome()).to.equal('aged')
    stop.open()
    await eventually(async () => ((await outcome()) === 'hit' ? true : undefined))
    expect(process.gate.count()).to.equal(2)
  })

  it('an answer that is older than that is fetched first', async () => {
    await process.read(question)
    await pass(130_000)
    expect(await outcome()).to.equal('miss')
  })

  it('an invalidated answer is not served while it is refreshed, however young', async () => {
    await process.read(question)
    await world.write(rename, ['New', shop.id(0)])
    await process.cache.acknowledge()
    const stop = process.gate.hold('before')
    const reading = process.read(question)
    await stop.reached
    expect(process.cache.report().routes['/products/:id']?.outcomes.hit).to.equal(0)
    stop.open()
    expect((await reading).json.data.title).to.equal('New')
  })

  it('an aged answer that was invalidated is fetched first', async () => {
    await process.read(question)
    await world.write(rename, ['New', shop.id(0)])
    await pass(70_000)
    expect((await process.read(question)).json.data.title).to.equal('New')
  })

  it('an invalidated answer is served when its source is down, flagged, and only for that time', async () => {
    await process.read(question)
    await world.write(rename, ['New', shop.id(0)])
    await process.cache.acknowledge()
    process.gate.fail(away())
    const flagged = await process.read(question)
    expect(flagged.outcome).to.equal('source-down')
    expect(flagged.json.data.title).to.equal('Lantern 1')
    const next = await process.read(question)
    expect(next.outcome).to.equal('miss')
    expect(next.json.data.title).to.equal('New')
  })

  it('an invalidated answer is not served because of a fault of ours', async () => {
    await process.read(question)
    await world.write(rename, ['New', shop.id(0)])
    await process.cache.acknowledge()
    process.gate.fail(new Error('a fault of ours'))
    expect(await process.read(question).catch(String)).to.include('a fault of ours')
  })

  it('a 404 is not served in place of an answer when the source is down', async () => {
    const missing = item(shop, '01900000-0000-7000-8000-0000000000ff')
    await process.read(missing)
    await pass(17_000)
    process.gate.fail(away())
    expect(await process.read(missing).catch(String)).to.include('away')
  })

  it('a reader with a token who finds the source down is given what is kept, flagged', async () => {
    await process.read(question)
    process.gate.fail(away())
    const flagged = await process.read(question, { consistency: 'primary' })
    expect(flagged.outcome).to.equal('source-down')
    expect(flagged.json.data.title).to.equal('Lantern 1')
  })

  it('a refresh that began before a write and ends after it does not bring the old answer back', async () => {
    await process.read(question)
    await pass(70_000)
    const stop = process.gate.hold('after')
    expect(await outcome()).to.equal('aged')
    await stop.reached
    await world.write(rename, ['New', shop.id(0)])
    await process.cache.acknowledge()
    const reading = process.read(question)
    stop.open()
    expect((await reading).json.data.title).to.equal('New')
    expect((await process.read(question)).json.data.title).to.equal('New')
  })

  it('a wall clock that is set back brings nothing back', async () => {
    await process.read(question)
    await world.write(rename, ['New', shop.id(0)])
    await process.cache.acknowledge()
    process.clock.setWallTime(new Date('2020-01-01T00:00:00Z'))
    const seen = await process.read(item(shop, shop.id(1)))
    expect(seen.status).to.equal(404)
    process.clock.setWallTime(new Date('2026-01-15T12:00:00Z'))
    expect((await process.read(question)).json.data.title).to.equal('New')
    expect((await process.read(item(shop, shop.id(1)))).status).to.equal(200)
  })
})
