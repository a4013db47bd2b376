import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { decodeEntry } from '#platform/cache/entry-codec'
import { redisKeys } from '#platform/cache/redis-keys'
import type { RedisTier } from '#platform/cache/redis-tier'
import { send } from '../../../deploy/laptop/live-process.ts'
import { findRedisBinary, startRedis, type RedisServer } from '../../../deploy/laptop/redis.ts'
import { runDirectory } from '../../support/run-directory.ts'
import { freePort } from '../../support/servers.ts'
import { eventually } from '../queue/fixture.ts'
import { entryOf, epochs, newKey, openTier, type OpenTier } from './redis-fixture.ts'

const epoch = epochs.one
const keys = redisKeys('tidegate-test')
const leaseMs = 60_000
const outageLimits = { connectTimeoutMs: 500, commandTimeoutMs: 200 }

describe('the cache in a Redis that fails', () => {
  let binary = ''
  let parent = ''
  let port = 0
  let server: RedisServer | undefined
  let admin: Redis
  const opened: OpenTier[] = []

  before(async function () {
    binary = (await findRedisBinary(process.env['PATH'] ?? '')) ?? this.skip()
    parent = join(runDirectory(), `cache-faults-${process.pid}`)
    await mkdir(parent)
  })

  beforeEach(async () => {
    port = await freePort()
    await start()
    admin = new Redis(url(), { retryStrategy: () => 50 })
    admin.on('error', () => {}) // it is meant to fail
  })

  afterEach(async () => {
    admin.disconnect()
    signal('SIGCONT')
    await Promise.all(opened.splice(0).map(({ lifecycle }) => lifecycle.stop()))
    await stop()
  })

  after(async () => {
    await rm(parent, { recursive: true, force: true })
  })

  const url = (): string => `redis://127.0.0.1:${port}`

  async function start(): Promise<void> {
    const settings = ['--save', '', '--appendonly', 'no']
    server = await startRedis({ binary, directory: join(parent, 'redis'), port, settings })
  }

  async function stop(): Promise<void> {
    await server?.stop()
    server = undefined
  }

  function signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    if (server) {
      send(server.pid, name)
    }
  }

  async function open(changed: Parameters<typeof openTier>[1] = {}): Promise<OpenTier> {
    const one = await openTier(url(), changed)
    opened.push(one)
    return one
  }

  const read = (tier: RedisTier, key = newKey()) =>
    tier.getOrLease(epoch, key, { leaseMs, holder: 'h' })

  /** Reads until the circuit is open, and gives what each read took. Milliseconds. */
  async function untilOpen(tier: RedisTier): Promise<number[]> {
    const took: number[] = []
    await eventually(async () => {
      const begin = performance.now()
      expect((await read(tier)).kind).to.equal('away')
      took.push(performance.now() - begin)
      return tier.snapshot().breaker.state === 'OPEN' ? true : undefined
    })
    return took
  }

  const untilFound = (tier: RedisTier, key: ReturnType<typeof newKey>) =>
    eventually(async () => ((await read(tier, key)).kind === 'found' ? true : undefined), 15_000)

  const untilStored = (tier: RedisTier, entry: ReturnType<typeof entryOf>) =>
    eventually(
      async () => ((await tier.putIfNewer(epoch, entry, 'h')) === 'stored' ? true : undefined),
      15_000,
    )

  const untilClosed = (tier: RedisTier) =>
    eventually(async () => {
      await read(tier)
      return tier.usable() && tier.snapshot().breaker.state === 'CLOSED' ? true : undefined
    }, 15_000)

  async function ourClients(): Promise<number> {
    const list = String(await admin.client('LIST'))
    return list.split('\n').filter((line) => line.includes('name=tidegate-cache')).length
  }

  const counted = (said: readonly string[], sentence: string) =>
    said.filter((one) => one === sentence).length

  it('costs each of five calls its limit while frozen, the rest nothing, and serves again after', async () => {
    const { tier, said } = await open(outageLimits)
    const entry = entryOf(newKey())
    await untilStored(tier, entry)
    const [lostCount, timeoutCount] = [
      counted(said, 'Redis cache lost'),
      tier.snapshot().errors.timeout,
    ]
    signal('SIGSTOP')
    const took = await untilOpen(tier)
    expect(took).to.have.length(5)
    expect(Math.max(...took)).to.be.below(2000)
    const begin = performance.now()
    await Promise.all(Array.from({ length: 1000 }, () => read(tier)))
    expect(performance.now() - begin).to.be.below(2000)
    expect(tier.usable()).to.equal(false)
    expect(tier.snapshot().errors.timeout - timeoutCount).to.equal(5)
    expect(counted(said, 'Redis cache lost') - lostCount).to.equal(1)
    signal('SIGCONT')
    await untilFound(tier, entry.key)
    await untilClosed(tier)
    expect(said).to.include('Redis cache restored')
  }).timeout(40_000)

  it('is away at once when killed, stores nothing, and is back without a restart of ours', async () => {
    const { tier, said } = await open()
    signal('SIGKILL')
    await server?.ended
    const entry = entryOf(newKey())
    expect(await tier.putIfNewer(epoch, entry, 'h')).to.equal('dropped')
    await untilOpen(tier)
    expect(tier.snapshot().errors.connection).to.be.at.least(5)
    expect(tier.snapshot().isConnected).to.equal(false)
    const refusal = await tier.ping().catch((error: unknown) => error)
    expect(refusal).to.be.instanceOf(Error)
    await start()
    await untilStored(tier, entry)
    await untilFound(tier, entry.key)
    expect(said.filter((one) => one.startsWith('Redis cache'))).to.deep.equal([
      'Redis cache initialized',
      'Redis cache lost',
      'Redis cache restored',
    ])
  }).timeout(40_000)

  it('opens without Redis within its limit, says so once, and connects when it is there', async () => {
    await stop()
    const begin = performance.now()
    const { tier, said } = await open({ connectTimeoutMs: 500 })
    expect(performance.now() - begin).to.be.below(2500)
    expect((await read(tier)).kind).to.equal('away')
    expect(await tier.greatestXmax(epoch)).to.equal('unknown')
    expect(tier.hint()).to.equal(undefined)
    await start()
    await untilStored(tier, entryOf(newKey()))
    expect(said).to.deep.equal(['Redis cache initialization failed', 'Redis cache initialized'])
  }).timeout(40_000)

  it('opens within its limit while Redis is frozen', async () => {
    signal('SIGSTOP')
    const begin = performance.now()
    const { tier, said } = await open(outageLimits)
    expect(performance.now() - begin).to.be.below(2500)
    expect(said).to.deep.equal(['Redis cache initialization failed'])
    signal('SIGCONT')
    await untilStored(tier, entryOf(newKey()))
    expect(said).to.include('Redis cache initialized')
  }).timeout(40_000)

  it('closes while Redis is frozen, and does not call that a loss', async () => {
    const { lifecycle, said } = await open()
    signal('SIGSTOP')
    await lifecycle.stop()
    signal('SIGCONT')
    await eventually(async () => ((await ourClients()) === 0 ? true : undefined))
    expect(said).to.deep.equal(['Redis cache initialized'])
  })

  it('serves reads while out of memory, takes entries away, and counts what it does not store', async () => {
    const { tier, said } = await open()
    const [kept, removed] = [entryOf(newKey()), entryOf(newKey())]
    await tier.putIfNewer(epoch, kept, 'h')
    await tier.putIfNewer(epoch, removed, 'h')
    await admin.config('SET', 'maxmemory', '1')
    for (let index = 0; index < 10; index += 1) {
      expect(await tier.putIfNewer(epoch, entryOf(newKey(), '200:200:'), 'h')).to.equal('dropped')
    }
    await tier.remove(epoch, removed.key)
    expect((await read(tier, kept.key)).kind).to.equal('found')
    expect((await read(tier, removed.key)).kind).to.equal('away')
    expect(tier.snapshot()).to.deep.include({ droppedCount: 10 })
    expect(tier.snapshot().errors.out_of_memory).to.equal(11)
    expect(tier.snapshot().breaker.state).to.equal('CLOSED')
    expect(counted(said, 'Redis cache refuses commands')).to.equal(1)
    await admin.config('SET', 'maxmemory', '0')
    await untilStored(tier, entryOf(newKey()))
  })

  it('ends the lease of an entry that could not be stored', async () => {
    const { tier } = await open()
    const key = newKey()
    await read(tier, key)
    await admin.config('SET', 'maxmemory', '1')
    await tier.putIfNewer(epoch, entryOf(key), 'h')
    expect(await admin.exists(keys.ofAnswer(epoch, key)[1])).to.equal(0)
  })

  it('stores no entry whose xmax it could not raise', async () => {
    const { tier } = await open()
    const entry = entryOf(newKey(), '5:300:')
    await admin.call('ACL', 'SETUSER', 'default', 'resetkeys', '~tidegate-test:entry*')
    expect(await tier.putIfNewer(epoch, entry, 'h')).to.equal('dropped')
    expect(tier.snapshot().errors.no_permission).to.equal(1)
    expect((await read(tier, entry.key)).kind).to.equal('leased')
  })

  it('serves reads from a replica, counts what it does not store, and stores when it leads again', async () => {
    const { tier } = await open()
    const entry = entryOf(newKey())
    await tier.putIfNewer(epoch, entry, 'h')
    await admin.replicaof('127.0.0.1', await freePort())
    expect(await tier.putIfNewer(epoch, entryOf(newKey()), 'h')).to.equal('dropped')
    await untilFound(tier, entry.key) // it may have looked for another primary
    for (let index = 0; index < 10; index += 1) {
      expect((await read(tier, entry.key)).kind).to.equal('found')
      expect((await read(tier)).kind).to.equal('away')
    }
    expect(tier.snapshot().errors.read_only).to.be.at.least(11)
    expect(tier.snapshot().breaker.state).to.equal('CLOSED')
    await admin.replicaof('NO', 'ONE')
    await untilStored(tier, entryOf(newKey()))
  })

  it('goes on after its scripts were flushed, and after everything was', async () => {
    const { tier } = await open()
    const entry = entryOf(newKey())
    const work = async () => {
      expect((await read(tier, entry.key)).kind).to.equal('leased')
      expect(await tier.putIfNewer(epoch, entry, 'h')).to.equal('stored')
      expect((await read(tier, entry.key)).kind).to.equal('found')
      expect(await tier.greatestXmax(epoch)).to.equal(100)
      await tier.release(epoch, entry.key, 'h')
    }
    await work()
    await admin.flushall()
    await work()
    await admin.flushall()
    await admin.script('FLUSH')
    await work()
    expect(Object.values(tier.snapshot().errors).every((count) => count === 0)).to.equal(true)
  })

  it('never gives one caller what another asked for, however often its connection is cut', async () => {
    const { tier } = await open()
    const entries = Array.from({ length: 40 }, (_, index) => {
      return entryOf(newKey(), undefined, { body: Buffer.alloc(5000, String(index)) })
    })
    await Promise.all(entries.map((entry) => tier.putIfNewer(epoch, entry, 'h')))
    let foundCount = 0
    const readAll = async () => {
      const lookups = await Promise.all(entries.map(({ key }) => read(tier, key)))
      for (const [index, lookup] of lookups.entries()) {
        const entry = entries[index]
        if (lookup.kind === 'found' && entry) {
          foundCount += 1
          expect(decodeEntry(entry.key, lookup.bytes)?.body).to.deep.equal(entry.body)
        }
      }
    }
    for (let round = 0; round < 5; round += 1) {
      await Promise.all([readAll(), admin.call('CLIENT', 'KILL', 'TYPE', 'normal')])
      await untilClosed(tier)
    }
    const countBefore = foundCount
    await readAll()
    expect(foundCount - countBefore).to.equal(40)
  }).timeout(40_000)

  it('does without hints where an access list refuses the channel', async () => {
    await admin.call('ACL', 'SETUSER', 'default', 'resetchannels')
    const { tier, said } = await open()
    await eventually(() => (said.includes('Redis cache hints refused') ? true : undefined))
    tier.hint()
    await eventually(() => (tier.snapshot().errors.no_permission === 1 ? true : undefined))
    expect(await tier.putIfNewer(epoch, entryOf(newKey()), 'h')).to.equal('stored')
    expect(counted(said, 'Redis cache hints refused')).to.equal(1)
  })

  it('hears hints again after its subscription was cut, and is told that some may be missing', async () => {
    const [{ tier: writer }, { tier: reader }] = [await open(), await open()]
    let heard = 0
    const untilHeard = (count: number) => eventually(() => (heard > count ? true : undefined))
    const subscribed = () =>
      eventually(async () => {
        const [, count] = await admin.pubsub('NUMSUB', keys.changes)
        return Number(count) === 2 ? true : undefined
      })
    await subscribed()
    await reader.ping() // by now it knows that it is subscribed
    reader.onHint(() => (heard += 1))
    writer.hint()
    await untilHeard(0)
    const before = heard
    await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await subscribed()
    await untilHeard(before)
    const after = heard
    writer.hint()
    await untilHeard(after)
  })
})
