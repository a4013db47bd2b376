import { expect } from 'chai'
import { Redis } from 'ioredis'
import { decodeEntry, encodeEntry } from '#platform/cache/entry-codec'
import { redisKeys } from '#platform/cache/redis-keys'
import type { RedisTier } from '#platform/cache/redis-tier'
import { readRedisUsage } from '#platform/cache/redis-usage'
import { redisUrl } from '../../support/servers.ts'
import { eventually } from '../queue/fixture.ts'
import { entryOf, epochs, newKey, openTier, type OpenTier } from './redis-fixture.ts'

const keys = redisKeys('tidegate-test')
const epoch = epochs.one
const leaseMs = 60_000

describe('the cache in Redis', () => {
  const opened: OpenTier[] = []
  let tier: RedisTier
  let second: RedisTier
  let redis: Redis

  before(async function () {
    const url = redisUrl() ?? this.skip()
    redis = new Redis(url)
    opened.push(await openTier(url), await openTier(url))
    const [one, other] = opened
    if (one && other) {
      tier = one.tier
      second = other.tier
    }
  })

  after(async () => {
    await Promise.all(opened.map(({ lifecycle }) => lifecycle.stop()))
    redis?.disconnect()
  })

  async function found(key = newKey(), snapshot?: string) {
    const entry = entryOf(key, snapshot)
    expect(await tier.putIfNewer(epoch, entry, 'h')).to.equal('stored')
    return { key, entry }
  }

  async function storedXmax(key: ReturnType<typeof newKey>): Promise<number | undefined> {
    const lookup = await tier.getOrLease(epoch, key, { leaseMs, holder: 'reader' })
    const bytes = lookup.kind === 'found' ? lookup.bytes : Buffer.from('')
    return decodeEntry(key, bytes)?.stamp.snapshot.xmax
  }

  it('gives every process the very entry that one of them put', async () => {
    const body = Buffer.from(Array.from({ length: 70_000 }, (_, index) => index % 256))
    const entry = entryOf(newKey('q=ä'), '90:100:90,95', { body, validUntilMs: 7 })
    await tier.putIfNewer(epoch, entry, 'h')
    const lookup = await second.getOrLease(epoch, entry.key, { leaseMs, holder: 'i' })
    const bytes = lookup.kind === 'found' ? lookup.bytes : Buffer.from('')
    expect(decodeEntry(entry.key, bytes)).to.deep.equal(entry)
  })

  it('tells how full the server is, and nothing where the server does not', async () => {
    const usage = await tier.usage()
    const limit = Number((await redis.config('GET', 'maxmemory'))[1])
    expect(usage?.usedBytes).to.be.within(100_000, 1e9)
    expect(usage).to.include({ limitBytes: limit, evictedCount: 0 })
    expect(readRedisUsage('used_memory:1\r\nmaxmemory:0\r\n')).to.equal(undefined)
    expect(readRedisUsage('used_memory:1\r\nmaxmemory:0\r\nevicted_keys:3\r\n')).to.deep.equal({
      usedBytes: 1,
      limitBytes: 0,
      evictedCount: 3,
    })
  })

  it('leases to one of many who ask at once, and lets the others wait', async () => {
    const key = newKey()
    const asked = Array.from({ length: 200 }, (_, index) =>
      (index % 2 === 0 ? tier : second).getOrLease(epoch, key, { leaseMs, holder: `h${index}` }),
    )
    const kinds = (await Promise.all(asked)).map(({ kind }) => kind)
    expect(kinds.filter((kind) => kind === 'leased')).to.have.length(1)
    expect(kinds.filter((kind) => kind === 'wait')).to.have.length(199)
  })

  it('tells the holder of a lease who asks again that it still holds it', async () => {
    const key = newKey()
    await tier.getOrLease(epoch, key, { leaseMs, holder: 'h' })
    expect(await tier.getOrLease(epoch, key, { leaseMs, holder: 'h' })).to.deep.equal({
      kind: 'leased',
    })
  })

  it('leases to the next when a lease has expired', async () => {
    const key = newKey()
    await tier.getOrLease(epoch, key, { leaseMs: 30, holder: 'gone' })
    const next = () => second.getOrLease(epoch, key, { leaseMs, holder: 'next' })
    await eventually(async () => ((await next()).kind === 'leased' ? true : undefined))
  })

  it('leases to the next when the holder gave up, and not when somebody else says so', async () => {
    const key = newKey()
    await tier.getOrLease(epoch, key, { leaseMs, holder: 'h' })
    await second.release(epoch, key, 'stranger')
    const early = await second.getOrLease(epoch, key, { leaseMs, holder: 'next' })
    await tier.release(epoch, key, 'h')
    const late = await second.getOrLease(epoch, key, { leaseMs, holder: 'next' })
    expect([early.kind, late.kind]).to.deep.equal(['wait', 'leased'])
  })

  it('ends the lease of its holder with the put, and nobody else’s', async () => {
    const [key, other] = [newKey(), newKey()]
    for (const one of [key, other]) {
      await tier.getOrLease(epoch, one, { leaseMs, holder: 'h' })
    }
    await tier.putIfNewer(epoch, entryOf(key), 'h')
    await tier.putIfNewer(epoch, entryOf(other), 'stranger')
    const leases = [key, other].map((one) => keys.ofAnswer(epoch, one)[1])
    expect(await redis.mget(leases)).to.deep.equal([null, 'h'])
  })

  /** stored first, put second, and which stays */
  const orders: [string, string, string, 'stored' | 'kept'][] = [
    ['a greater xmax', '100:100:', '101:101:', 'stored'],
    ['a smaller xmax', '101:101:', '100:100:', 'kept'],
    ['fewer running at the same xmax', '90:100:90,95', '95:100:95', 'stored'],
    ['more running at the same xmax', '95:100:95', '90:100:90,95', 'kept'],
    ['the same stamp', '95:100:95', '95:100:95', 'stored'],
    ['a greater xmax with more digits', '999:999:', '1000:1000:', 'stored'],
    ['the greatest xmax', `5:${2 ** 53 - 2}:`, `5:${2 ** 53 - 1}:`, 'stored'],
    ['one below the greatest xmax', `5:${2 ** 53 - 1}:`, `5:${2 ** 53 - 2}:`, 'kept'],
  ]
  for (const [what, first, then, expected] of orders) {
    it(`${expected === 'stored' ? 'replaces an entry by' : 'keeps an entry from'} ${what}`, async () => {
      const { key } = await found(newKey(), first)
      const entry = entryOf(key, then)
      expect(await second.putIfNewer(epoch, entry, 'h')).to.equal(expected)
      const last = expected === 'stored' ? entry : entryOf(key, first)
      expect(await storedXmax(key)).to.equal(last.stamp.snapshot.xmax)
    })
  }

  it('leases anew for an entry that the caller has rejected', async () => {
    const { key } = await found(newKey(), '90:100:90,95')
    const rejected = '90:100:90,95'
    const lookup = await tier.getOrLease(epoch, key, { leaseMs, holder: 'h', rejected })
    const other = await second.getOrLease(epoch, key, { leaseMs, holder: 'i', rejected })
    expect([lookup.kind, other.kind]).to.deep.equal(['leased', 'wait'])
  })

  it('gives what has replaced the entry that the caller has rejected', async () => {
    const { key } = await found(newKey(), '100:101:')
    const rejected = '100:100:'
    const lookup = await tier.getOrLease(epoch, key, { leaseMs, holder: 'h', rejected })
    expect(lookup.kind).to.equal('found')
  })

  it('does not show an entry of one epoch to another, nor take one under another', async () => {
    const { key, entry } = await found()
    const lookup = await tier.getOrLease(epochs.other, key, { leaseMs, holder: 'h' })
    expect(lookup.kind).to.equal('leased')
    expect(await tier.putIfNewer(epochs.other, entry, 'h')).to.equal('dropped')
  })

  it('lets every value end with the life of its entry', async () => {
    const { key } = await found()
    const [value] = keys.ofAnswer(epoch, key)
    const names = [value, keys.xmax(epoch)]
    const lives = await Promise.all(names.map((name) => redis.pttl(name)))
    expect(lives[0]).to.be.within(110_000, 120_000)
    expect(lives[1]).to.be.at.least(170_000)
  })

  it('knows the greatest xmax that was ever put, whatever the order, and none of a new epoch', async () => {
    await redis.del(keys.xmax(epochs.other))
    expect(await tier.greatestXmax(epochs.other)).to.equal('none')
    const stampOf = (xmax: number) => entryOf(newKey(), `5:${xmax}:`).stamp
    for (const xmax of [999, 1001, 1000]) {
      const stamp = { ...stampOf(xmax), epoch: epochs.other }
      await tier.putIfNewer(epochs.other, entryOf(newKey(), undefined, { stamp }), 'h')
    }
    expect(await second.greatestXmax(epochs.other)).to.equal(1001)
  })

  it('removes an entry', async () => {
    const { key } = await found()
    await second.remove(epoch, key)
    expect((await tier.getOrLease(epoch, key, { leaseMs, holder: 'h' })).kind).to.equal('leased')
  })

  it('refuses the bytes of another key', async () => {
    const { key } = await found()
    const victim = newKey()
    await redis.set(keys.ofAnswer(epoch, victim)[0], encodeEntry(entryOf(key)))
    expect(await storedXmax(victim)).to.equal(undefined)
  })

  it('drops an entry that is too large, and ends its lease', async () => {
    const key = newKey()
    await tier.getOrLease(epoch, key, { leaseMs, holder: 'h' })
    const before = tier.snapshot().droppedCount
    const large = entryOf(key, undefined, { body: Buffer.alloc(5 * 1024 * 1024) })
    expect(await tier.putIfNewer(epoch, large, 'h')).to.equal('dropped')
    expect(tier.snapshot().droppedCount).to.equal(before + 1)
    expect((await second.getOrLease(epoch, key, { leaseMs, holder: 'i' })).kind).to.equal('leased')
  })

  /** what somebody left under the key of a value or of a lease */
  const poison: [string, (name: string) => Promise<unknown>][] = [
    ['text', (name) => redis.set(name, '{"bad"')],
    ['nothing', (name) => redis.set(name, '')],
    ['a hash', (name) => redis.hset(name, '__proto__', '1')],
    ['an entry beyond all transactions', (name) => redis.set(name, `TGE1 0 ${'9'.repeat(16)} 0 `)],
    ['a huge value', (name) => redis.setrange(name, 6_000_000, 'x')],
  ]
  for (const [what, put] of poison) {
    it(`overwrites ${what} where an entry or a lease should be`, async () => {
      const key = newKey()
      const names = keys.ofAnswer(epoch, key)
      await Promise.all(names.map(put))
      expect(await storedXmax(key)).to.equal(undefined)
      await tier.remove(epoch, key)
      const lookup = await tier.getOrLease(epoch, key, { leaseMs, holder: 'reader' })
      expect(lookup.kind).to.equal('leased')
      await put(names[0])
      expect(await tier.putIfNewer(epoch, entryOf(key), 'h')).to.equal('stored')
      expect(await storedXmax(key)).to.equal(100)
    })
  }

  it('tells the other processes of a change, and not the one that made it', async () => {
    const heard = { own: 0, other: 0 }
    const subscribed = async () => {
      const [, count] = await redis.pubsub('NUMSUB', keys.changes)
      return Number(count) >= 2 ? true : undefined
    }
    await eventually(subscribed)
    await tier.ping() // by now both know that they are subscribed
    tier.onHint(() => (heard.own += 1))
    second.onHint(() => (heard.other += 1))
    tier.hint()
    await eventually(() => (heard.other === 1 ? true : undefined))
    expect(heard.own).to.equal(0)
  })

  it('pings, and says that it can be used', async () => {
    expect(await tier.ping()).to.be.within(0, 500)
    expect(tier.usable()).to.equal(true)
    expect(tier.snapshot()).to.deep.include({ isConnected: true })
    expect(opened[0]?.said).to.include('Redis cache initialized')
  })

  it('accepts no prefix that would move its keys to other slots', async () => {
    expect(() => redisKeys('{a}')).to.throw('not a prefix')
  })
})
