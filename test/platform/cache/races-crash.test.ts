import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { migrations } from '#migrations'
import { migrateUp } from '#platform/database/migrate'
import { send } from '../../../deploy/laptop/live-process.ts'
import { startPostgres, type Postgres } from '../../../deploy/laptop/postgres.ts'
import { item, type Question } from '../../support/cache-question.ts'
import { openCacheWorld, type CacheProcess, type CacheWorld } from '../../support/cache-world.ts'
import { runDirectory } from '../../support/run-directory.ts'
import { freePort } from '../../support/servers.ts'
import { eventually } from '../queue/fixture.ts'

const rename = 'update products set title = $1 where id = $2'
const password = 'test'
const copy = promisify(execFile)

describe('a PostgreSQL that is killed or restored', function () {
  this.timeout(60_000)
  let directory: string
  let port: number
  let postgres: Postgres
  let world: CacheWorld

  before(async () => {
    directory = join(runDirectory(), `cache-crash-${process.pid}`)
    port = await freePort()
    await start()
    await migrateUp(postgres.url, migrations)
    world = await openCacheWorld(postgres.url)
  })
  afterEach(() => world.end())
  after(async () => {
    await world?.close()
    await postgres?.stop()
    await rm(directory, { recursive: true, force: true })
  })

  async function start(): Promise<void> {
    // It writes down no id of a transaction that left nothing behind: not in time.
    const lazy = ['wal_level=minimal', 'max_wal_senders=0', 'checkpoint_timeout=1d']
    const settings = ['fsync=off', ...lazy, 'wal_writer_delay=4000ms']
    postgres = await startPostgres({ directory, port, password, settings })
  }

  /** Ends every process of the server without a word, and starts it again: it recovers from its log. */
  async function crash(): Promise<void> {
    const { rows } = await world.business.db.pool.query<{ pid: number }>(
      'select pid from pg_stat_activity',
    )
    for (const pid of [postgres.pid, ...rows.map((row) => row.pid)]) {
      send(pid, 'SIGKILL')
    }
    await postgres.ended
    await start()
  }

  /** Uses up transaction ids of which nothing remains in the log of the server. */
  async function spendIds(count: number): Promise<void> {
    const session = await world.session()
    for (let turn = 0; turn < count; turn += 1) {
      await session.query('begin; select pg_current_xact_id(); rollback')
    }
  }

  /** The process has caught up; it tries again and again, on its own clock. */
  async function followed(process: CacheProcess, isReached: () => boolean): Promise<void> {
    await eventually(async () => {
      await process.clock.advance(250)
      return isReached() || undefined
    }, 20_000)
  }
  const epochOf = (process: CacheProcess) => process.cache.report().epoch
  const xmaxOf = (process: CacheProcess): number => {
    const [held] = [...process.cache.kept()]
    return held?.stamp.snapshot.xmax ?? Number.NaN
  }
  const cursorOf = (process: CacheProcess): number =>
    process.cache.stamp()?.snapshot.xmax ?? Number.NaN
  const titleOf = async (process: CacheProcess, question: Question): Promise<string> =>
    (await process.read(question)).json.data.title

  it('a crash gives transaction ids out twice: nothing that was kept before it is served after it', async () => {
    const shop = await world.shop(1)
    const question = item(shop, shop.id(0))
    const process = await world.open()
    const epoch = epochOf(process)
    await spendIds(100)
    await process.read(question)
    await process.cache.catchUp()
    const seenXmax = xmaxOf(process)
    await crash()
    await world.write(rename, ['New', shop.id(0)])
    const { rows } = await world.business.db.pool.query<{ xid: string }>(
      'select xmin::text as xid from products where id = $1',
      [shop.id(0)],
    )
    expect(Number(rows[0]?.xid), 'the id of the write is one that the entry saw').to.be.below(
      seenXmax,
    )
    await followed(process, () => epochOf(process) !== epoch)
    expect(await titleOf(process, question)).to.equal('New')
  })

  it('after a crash a process follows again at once, however many ids went back', async () => {
    const shop = await world.shop(1)
    const process = await world.open()
    await spendIds(300)
    await process.cache.catchUp()
    const [epoch, before] = [epochOf(process), cursorOf(process)]
    await crash()
    await followed(process, () => epochOf(process) !== epoch)
    expect(cursorOf(process), 'ids have not had to come up to it').to.be.below(before)
    const { rows } = await world.business.db.pool.query('select id from cache_epoch')
    expect(epochOf(process)).to.equal(rows[0]?.id)
    await world.write(rename, ['New', shop.id(0)])
    const question = item(shop, shop.id(0))
    expect(await titleOf(process, question)).to.equal('New')
    await process.cache.acknowledge()
    expect((await process.read(question)).outcome).to.equal('hit')
  })

  it('a data directory that was copied back keeps its epoch, and is noticed by its ids', async () => {
    const shop = await world.shop(1)
    const question = item(shop, shop.id(0))
    await world.end()
    await postgres.stop()
    await copy('cp', ['-a', directory, `${directory}-copy`])
    await start()
    const process = await world.open()
    const epoch = epochOf(process)
    for (let turn = 0; turn < 50; turn += 1) {
      await world.write(rename, [`Turn ${turn}`, shop.id(0)])
    }
    await process.cache.catchUp()
    expect(await titleOf(process, question)).to.equal('Turn 49')
    await postgres.stop()
    await rm(directory, { recursive: true })
    await copy('mv', [`${directory}-copy`, directory])
    await start()
    const { rows } = await world.business.db.pool.query('select id from cache_epoch')
    expect(rows[0]?.id).to.equal(epoch)
    await followed(process, () => epochOf(process) !== epoch)
    expect(await titleOf(process, question)).to.equal('Lantern 1')
    await world.write(rename, ['New', shop.id(0)])
    await process.cache.acknowledge()
    expect(await titleOf(process, question)).to.equal('New')
    expect((await process.read(question)).outcome).to.equal('hit')
  })
})

describe('a log without an epoch, as a crash leaves it', () => {
  let world: CacheWorld
  before(async () => {
    world = await openCacheWorld()
  })
  afterEach(() => world.end())
  after(() => world.close())

  it('makes fills that nobody keeps until a process has begun a new epoch', async () => {
    const shop = await world.shop(1)
    const question = item(shop, shop.id(0))
    const process = await world.open()
    await process.read(question)
    await world.write('truncate change_log, cache_epoch')
    const other = item(shop, shop.id(0), 'fields=title')
    expect((await process.read(other)).isStored).to.equal(false)
    await process.cache.catchUp()
    expect((await process.read(question)).outcome).to.equal('miss')
    expect((await process.read(question)).outcome).to.equal('hit')
    expect(process.cache.report().counters.reset).to.equal(2)
  })

  it('a fill of the new epoch is not kept by a process that knows the old one', async () => {
    const shop = await world.shop(1)
    const question = item(shop, shop.id(0))
    const process = await world.open()
    await world.write('update cache_epoch set id = gen_random_uuid()')
    expect((await process.read(question)).isStored).to.equal(false)
    await process.cache.catchUp()
    expect((await process.read(question)).isStored).to.equal(true)
  })

  it('a fill that began in the old epoch and ends in the new one is not kept', async () => {
    const shop = await world.shop(1)
    const question = item(shop, shop.id(0))
    const process = await world.open()
    const stop = process.gate.hold('after')
    const filling = process.read(question)
    await stop.reached
    await world.write('select rotate_cache_epoch()')
    await process.cache.catchUp()
    stop.open()
    expect((await filling).isStored).to.equal(false)
    expect((await process.read(question)).outcome).to.equal('miss')
  })
})
