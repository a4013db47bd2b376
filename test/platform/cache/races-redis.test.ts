import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { pruneChangeLog } from '#platform/cache/prune'
import { findRedisBinary, startRedis, type RedisServer } from '../../../deploy/laptop/redis.ts'
import { item, type Question } from '../../support/cache-question.ts'
import {
  loseLog,
  openCacheWorld,
  type CacheProcess,
  type CacheWorld,
  type ShopPlace,
} from '../../support/cache-world.ts'
import { createTestClock } from '../../support/clock.ts'
import { runDirectory } from '../../support/run-directory.ts'
import { freePort } from '../../support/servers.ts'
import { openTcpGate, type TcpGate } from '../../support/tcp-gate.ts'
import { eventually } from '../queue/fixture.ts'

const rename = 'update products set title = $1 where id = $2'

// On a Redis of its own: the hints of other specs would let processes catch up when they must not.
describe('processes that share their answers in Redis', function () {
  this.timeout(60_000)
  let world: CacheWorld
  let shop: ShopPlace
  let directory: string
  let server: RedisServer | undefined
  let redis: Redis
  let line: TcpGate
  let question: Question

  before(async function () {
    const binary = (await findRedisBinary(process.env['PATH'] ?? '')) ?? this.skip()
    directory = join(runDirectory(), `cache-races-${process.pid}`)
    await mkdir(directory)
    server = await startRedis({
      binary,
      directory: join(directory, 'redis'),
      port: await freePort(),
      settings: ['--save', '', '--appendonly', 'no'],
    })
    redis = new Redis(server.url)
    world = await openCacheWorld()
    line = await openTcpGate(Number(new URL(world.business.url).port))
  })
  beforeEach(async () => {
    shop = await world.shop(2)
    question = item(shop, shop.id(0))
  })
  afterEach(async () => {
    line.mend()
    await world.end()
  })
  after(async () => {
    redis?.disconnect()
    await line?.close()
    await world?.close()
    await server?.stop()
    await rm(directory ?? '', { recursive: true, force: true })
  })

  const open = (options = {}, clock = createTestClock()): Promise<CacheProcess> =>
    world.open(
      {
        tiers: 'memory-and-redis',
        redis: { url: server?.url, connectTimeoutMs: 2_000, commandTimeoutMs: 500 },
        ...options,
      },
      clock,
    )

  /** The title in Redis, once there is one that is wanted. */
  const stored = (process: CacheProcess, title: string): Promise<unknown> =>
    eventually(async () => {
      const { key } = keptOf(process)
      const found = await process.cache.inspect(key)
      return found.redis?.held.body.toString().includes(title) ? found.redis : undefined
    })
  const keptOf = (process: CacheProcess) => {
    const [held] = [...process.cache.kept()]
    if (!held) {
      throw new Error('nothing is kept')
    }
    return held
  }
  const prune = (): Promise<unknown> =>
    pruneChangeLog(world.business.db, { retentionSeconds: 0 }).then(() =>
      pruneChangeLog(world.business.db, { retentionSeconds: 0 }),
    )

  it('a process that starts finds what another one made', async () => {
    const first = await open()
    await first.read(question)
    await stored(first, 'Lantern')
    const second = await open()
    const seen = await second.read(question)
    expect([seen.outcome, seen.tier]).to.deep.equal(['hit', 'redis'])
    expect(second.gate.count()).to.equal(0)
  })

  it('a write that one process acknowledged is known to another within a hint', async () => {
    const [writer, reader] = [await open(), await open()]
    await reader.read(question)
    await world.write(rename, ['New', shop.id(0)])
    const { changes } = reader.cache.report()
    await writer.cache.acknowledge()
    await eventually(() => reader.cache.report().changes > changes || undefined)
    expect((await reader.read(question)).json.data.title).to.equal('New')
  })

  it('a hint that arrives during a catch-up forces another', async () => {
    const url = new URL(world.business.url)
    url.port = String(line.port)
    const [writer, reader] = [await open(), await open({ databaseUrl: url.href })]
    await reader.read(question)
    const held = line.hold()
    const early = reader.cache.catchUp()
    await held.reached
    await world.write(rename, ['New', shop.id(0)])
    await writer.cache.acknowledge()
    await redis.publish('tidegate:cache:changes', 'somebody else')
    const { changes } = reader.cache.report()
    held.open()
    await early
    await eventually(() => reader.cache.report().changes > changes || undefined)
    expect((await reader.read(question)).json.data.title).to.equal('New')
  })

  it('what overlapped a write is refused in Redis as well', async () => {
    const first = await open()
    const stop = first.gate.hold('after')
    const overlapping = first.read(question)
    await stop.reached
    await world.write(rename, ['New', shop.id(0)])
    stop.open()
    await overlapping
    await stored(first, 'Lantern')
    const second = await open()
    expect((await second.read(question)).json.data.title).to.equal('New')
    expect(second.gate.count()).to.equal(1)
  })

  it('an older answer that arrives later does not replace a newer one', async () => {
    const [slow, quick] = [await open(), await open()]
    const stop = slow.gate.hold('after')
    const overlapping = slow.read(question)
    await stop.reached
    await world.write(rename, ['New', shop.id(0)])
    await quick.cache.catchUp()
    // The slow one holds the lease; whoever must see the write does not wait for it.
    await quick.read(question, { isBypass: true })
    await stored(quick, 'New')
    stop.open()
    await overlapping
    await redis.ping()
    await stored(quick, 'New')
    const third = await open()
    expect((await third.read(question)).json.data.title).to.equal('New')
    expect(third.gate.count()).to.equal(0)
  })

  it('an entry that is below the floor is refused, for what ended it may have been forgotten', async () => {
    const first = await open()
    await first.read(question)
    await stored(first, 'Lantern')
    await world.write(rename, ['New', shop.id(0)])
    await prune()
    const { rows } = await world.business.db.pool.query('select from change_log')
    expect(rows).to.have.length(0)
    const second = await open()
    const seen = await second.read(question)
    expect(seen.json.data.title).to.equal('New')
    expect(seen.outcome).to.equal('miss')
  })

  it('an entry at the floor is of use', async () => {
    await world.write(rename, ['New', shop.id(0)])
    await prune()
    const first = await open()
    await first.read(question)
    await stored(first, 'New')
    const second = await open()
    expect((await second.read(question)).tier).to.equal('redis')
  })

  it('a process that slept while the log was pruned drops everything', async () => {
    const process = await open()
    await process.read(question)
    await world.write(rename, ['New', shop.id(0)])
    await prune()
    await process.cache.catchUp()
    expect(process.cache.report().counters.reset).to.equal(2)
    expect((await process.read(question)).json.data.title).to.equal('New')
  })

  it('a database that was restored to an earlier state gets a new epoch', async () => {
    const first = await open()
    await first.read(question)
    await stored(first, 'Lantern')
    const { epoch } = first.cache.report()
    await redis.set(`tidegate:cache:xmax:${epoch}`, 9e12)
    const second = await open()
    expect((await second.read(question)).outcome).to.equal('miss')
    await eventually(async () => {
      await second.cache.catchUp()
      const now = second.cache.report().epoch
      return (now !== undefined && now !== epoch) || undefined
    })
    await second.read(question)
    expect((await second.read(question)).outcome).to.equal('hit')
  })

  it('a process that loses the log serves nothing of Redis as confirmed', async () => {
    const url = new URL(world.business.url)
    url.port = String(line.port)
    const [first, cut] = [await open(), await open({ databaseUrl: url.href })]
    await first.read(question)
    await stored(first, 'Lantern')
    await loseLog(cut, line)
    await world.write(rename, ['New', shop.id(0)])
    const acknowledged = cut.cache.acknowledge()
    await cut.clock.advance(500)
    expect(await acknowledged).to.equal('primary')
    const reading = cut.read(question)
    await cut.clock.advance(500)
    expect((await reading).json.data.title).to.equal('New')
  })

  it('the clock of another process that is ahead makes no answer confirmed for longer', async () => {
    const ahead = createTestClock(new Date('2026-01-15T12:00:10Z'))
    const url = new URL(world.business.url)
    url.port = String(line.port)
    const [first, second] = [await open({}, ahead), await open({ databaseUrl: url.href })]
    await first.read(question)
    await stored(first, 'Lantern')
    // Other databases of the server commit too, and what saw more than this process has heard of is not taken.
    await second.cache.catchUp()
    await loseLog(second, line)
    await second.clock.advance(900 - second.cache.report().confirmedAgoMs)
    expect((await second.read(question)).tier).to.equal('redis')
    await second.clock.advance(200)
    second.gate.fail(Object.assign(new Error('away'), { code: 'ECONNREFUSED' }))
    expect((await second.read(question)).outcome).to.equal('unconfirmed')
  })
})
