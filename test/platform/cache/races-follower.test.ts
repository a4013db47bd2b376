import { expect } from 'chai'
import type { CacheOptions } from '#platform/cache/open-cache'
import { item } from '../../support/cache-question.ts'
import {
  loseLog,
  openCacheWorld,
  type CacheProcess,
  type CacheWorld,
  type ShopPlace,
} from '../../support/cache-world.ts'
import { openTcpGate, type TcpGate } from '../../support/tcp-gate.ts'
import { eventually } from '../queue/fixture.ts'

const rename = 'update products set title = $1 where id = $2'

describe('a process that follows the change log', () => {
  let world: CacheWorld
  let shop: ShopPlace
  let line: TcpGate
  before(async () => {
    world = await openCacheWorld()
    line = await openTcpGate(Number(new URL(world.business.url).port))
  })
  beforeEach(async () => {
    shop = await world.shop(2)
  })
  afterEach(async () => {
    line.mend()
    await world.end()
  })
  after(async () => {
    await line.close()
    await world.close()
  })

  /** Its catch-ups go through the relay, its fetches do not. */
  function open(options: Partial<CacheOptions> = {}): Promise<CacheProcess> {
    const url = new URL(world.business.url)
    url.port = String(line.port)
    return world.open({ databaseUrl: url.href, ...options })
  }
  const titleOf = async (process: CacheProcess): Promise<string> =>
    (await process.read(item(shop, shop.id(0)))).json.data.title

  const lose = (process: CacheProcess): Promise<void> => loseLog(process, line)

  it('a write joins only a catch-up that was sent after its COMMIT', async () => {
    const process = await open()
    await titleOf(process)
    const held = line.hold()
    const early = process.cache.catchUp()
    await held.reached
    await world.write(rename, ['New', shop.id(0)])
    const acknowledged = process.cache.acknowledge()
    held.open()
    await early
    await acknowledged
    expect(await titleOf(process)).to.equal('New')
  })

  it('many writes share the catch-up that was sent after all of them', async () => {
    const process = await open()
    const held = line.hold()
    const early = process.cache.catchUp()
    await held.reached
    const [first, second] = [process.cache.catchUp(), process.cache.catchUp()]
    expect(first).to.equal(second)
    expect(first).not.to.equal(early)
    held.open()
    await Promise.all([early, first])
  })

  it('a notification that arrives during a catch-up forces another', async () => {
    const process = await open()
    await titleOf(process)
    const held = line.hold()
    const early = process.cache.catchUp()
    await held.reached
    const psql = await world.session('psql')
    await psql.query(rename, ['New', shop.id(0)])
    const { changes } = process.cache.report()
    held.open()
    await early
    await eventually(() => process.cache.report().changes > changes || undefined)
    expect(await titleOf(process)).to.equal('New')
  })

  it('a notification that is lost is made up for by the poll', async () => {
    const process = await open()
    await titleOf(process)
    await world.write(rename, ['New', shop.id(0)])
    expect(await titleOf(process)).to.equal('Lantern 1')
    const { changes } = process.cache.report()
    await process.clock.advance(250)
    await eventually(() => process.cache.report().changes > changes || undefined)
    expect(await titleOf(process)).to.equal('New')
  })

  it('a connection that is ended by the server is made anew, and nothing in between is missed', async () => {
    const process = await open()
    await titleOf(process)
    await world.write(rename, ['New', shop.id(0)])
    const { changes } = process.cache.report()
    await world.write(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where application_name like '%-changes' and datname = current_database()`,
    )
    await eventually(async () => {
      await process.clock.advance(250)
      return process.cache.report().changes > changes || undefined
    })
    expect(await titleOf(process)).to.equal('New')
  })

  it('a write that cannot catch up distrusts what is kept before it is acknowledged', async () => {
    const process = await open()
    await titleOf(process)
    await lose(process)
    await world.write(rename, ['New', shop.id(0)])
    const acknowledged = process.cache.acknowledge()
    await process.clock.advance(500)
    expect(await acknowledged).to.equal('primary')
    expect(await titleOf(process)).to.equal('New')
    expect(process.cache.report().counters['acknowledge-failed']).to.equal(1)
  })

  it('what is fetched after such a write is kept again', async () => {
    const process = await open()
    await titleOf(process)
    await lose(process)
    await world.write(rename, ['New', shop.id(0)])
    const acknowledged = process.cache.acknowledge()
    await process.clock.advance(500)
    await acknowledged
    await process.clock.advance(1)
    expect(await titleOf(process)).to.equal('New')
    expect((await process.read(item(shop, shop.id(0)))).outcome).to.equal('hit')
  })

  it('a fetch of before such a write that arrives after it is not shared with later readers', async () => {
    const process = await open()
    const stop = process.gate.hold('after')
    const older = titleOf(process)
    await stop.reached
    await lose(process)
    await world.write(rename, ['New', shop.id(0)])
    const acknowledged = process.cache.acknowledge()
    await process.clock.advance(500)
    await acknowledged
    const later = titleOf(process)
    stop.open()
    expect(await older).to.equal('Lantern 1')
    expect(await later).to.equal('New')
  })

  it('an answer is confirmed for 1 s after the last catch-up was sent, and flagged after it', async () => {
    const process = await open()
    const question = item(shop, shop.id(0))
    await process.read(question)
    await process.cache.catchUp()
    await lose(process)
    await process.clock.advance(999 - process.cache.report().confirmedAgoMs)
    expect((await process.read(question)).outcome).to.equal('hit')
    await process.clock.advance(1)
    process.gate.fail(Object.assign(new Error('away'), { code: 'ECONNREFUSED' }))
    expect((await process.read(question)).outcome).to.equal('unconfirmed')
  })

  it('an unconfirmed answer is fetched anew beside it', async () => {
    const process = await open()
    await titleOf(process)
    await lose(process)
    await world.write(rename, ['New', shop.id(0)])
    await process.clock.advance(1_000)
    expect(await titleOf(process)).to.equal('Lantern 1')
    await eventually(async () => ((await titleOf(process)) === 'New' ? true : undefined))
    expect((await process.read(item(shop, shop.id(0)))).outcome).to.equal('hit')
  })

  it('where the policy is to read, an unconfirmed answer is not given', async () => {
    const process = await open({ whenUnconfirmed: 'read' })
    await titleOf(process)
    await lose(process)
    await world.write(rename, ['New', shop.id(0)])
    await process.clock.advance(1_000)
    expect(await titleOf(process)).to.equal('New')
  })

  it('where the policy is to read and the source is down, it is given flagged', async () => {
    const process = await open({ whenUnconfirmed: 'read' })
    const question = item(shop, shop.id(0))
    await process.read(question)
    await lose(process)
    await process.clock.advance(1_000)
    process.gate.fail(Object.assign(new Error('away'), { code: 'ECONNREFUSED' }))
    expect((await process.read(question)).outcome).to.equal('source-down')
  })
})

describe('a consistency token', () => {
  let world: CacheWorld
  let shop: ShopPlace
  before(async () => {
    world = await openCacheWorld()
  })
  beforeEach(async () => {
    shop = await world.shop(1)
  })
  afterEach(() => world.end())
  after(() => world.close())

  it('makes a process that is behind catch up before it answers', async () => {
    const [writer, reader] = [await world.open(), await world.open()]
    const question = item(shop, shop.id(0))
    await reader.read(question)
    await world.write(rename, ['New', shop.id(0)])
    const consistency = await writer.cache.acknowledge()
    expect((await reader.read(question)).json.data.title).to.equal('Lantern 1')
    const next = await reader.read(question, { consistency })
    expect(next.json.data.title).to.equal('New')
    expect(reader.cache.report().counters['token-waited']).to.equal(1)
  })

  it('costs nothing in a process that is as far', async () => {
    const process = await world.open()
    const question = item(shop, shop.id(0))
    await process.read(question)
    const consistency = await process.cache.acknowledge()
    expect((await process.read(question, { consistency })).outcome).to.equal('hit')
    expect(process.cache.report().counters['token-waited']).to.equal(0)
  })

  const odd = {
    'of another epoch': (own: { epoch: string }) => ({
      ...own,
      epoch: '019a0000-0000-7000-8000-000000000001',
      snapshot: { xmin: 1, xmax: 1, xip: [] },
    }),
    'from the future': (own: { epoch: string }) => ({
      ...own,
      snapshot: { xmin: 9e12, xmax: 9e12, xip: [] },
    }),
    'of a write that nobody could confirm': () => 'primary' as const,
  }
  for (const [name, change] of Object.entries(odd)) {
    it(`${name} is answered from the primary`, async () => {
      const process = await world.open()
      const question = item(shop, shop.id(0))
      await process.read(question)
      await world.write(rename, ['New', shop.id(0)])
      const own = process.cache.stamp()
      if (!own) {
        throw new Error('the log has not been read')
      }
      const seen = await process.read(question, { consistency: change(own) })
      expect(seen.json.data.title).to.equal('New')
      expect(seen.reason).to.equal('bypass')
      expect(process.gate.count()).to.equal(2)
    })
  }
})
