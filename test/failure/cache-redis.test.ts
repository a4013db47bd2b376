import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { send } from '../../deploy/laptop/live-process.ts'
import { findRedisBinary, startRedis, type RedisServer } from '../../deploy/laptop/redis.ts'
import { eventually } from '../platform/queue/fixture.ts'
import { type Answer } from '../support/api.ts'
import { openPair, type Pair } from '../support/cache-pair.ts'
import { startLoad, type Load, type Question } from '../support/load.ts'
import { runDirectory } from '../support/run-directory.ts'
import { freePort } from '../support/servers.ts'

describe('reads that two processes share in a Redis that fails', () => {
  let binary = ''
  let parent = ''
  let port = 0
  let server: RedisServer | undefined
  let admin: Redis
  let pair: Pair

  before(async function () {
    binary = (await findRedisBinary(process.env['PATH'] ?? '')) ?? this.skip()
    parent = join(runDirectory(), `cache-redis-${process.pid}`)
    await mkdir(parent)
    port = await freePort()
    await start()
    admin = new Redis(`redis://127.0.0.1:${port}`, { retryStrategy: () => 50 })
    admin.on('error', () => {}) // it is meant to fail
    pair = await openPair(`redis://127.0.0.1:${port}`)
  })
  after(async () => {
    admin?.disconnect()
    signal('SIGCONT')
    await pair?.close()
    await server?.stop()
    await rm(parent, { recursive: true, force: true })
  })

  async function start(): Promise<void> {
    const settings = ['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction']
    server = await startRedis({ binary, directory: join(parent, 'redis'), port, settings })
  }
  function signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    if (server) {
      send(server.pid, name)
    }
  }

  /** Two thirds of the questions were asked before, the rest is new to both processes. */
  function question(n: number): Question {
    const api = n % 2 === 0 ? pair.one : pair.other
    const hot = pair.known[n % pair.known.length]
    if (n % 3 === 0 || !hot) {
      const sku = `P${1 + (n % 8)}`
      const path = `/api/v2/products?sku=${sku}&limit=${1 + (n % 97)}`
      return {
        ask: () => pair.get(path, api),
        isRight: ({ json }) => json.data.length === 1 && json.data[0].sku === sku,
      }
    }
    return { ask: () => pair.get(hot.path, api), isRight: ({ text }) => text === hot.text }
  }

  /** What was acknowledged is seen at once where it was written, and elsewhere by who has the token. */
  async function expectTruth(load: Load): Promise<void> {
    for (let round = 0; round < 3; round += 1) {
      const { description, token } = await pair.write()
      expect(pair.shown(await pair.get(pair.links, pair.one))).to.equal(description)
      const headers = { 'consistency-token': token }
      expect(pair.shown(await pair.get(pair.links, pair.other, headers))).to.equal(description)
      expect(pair.shown(await pair.get(pair.links, pair.other))).to.equal(description)
      await load.more(20)
    }
  }

  const isShared = (): Promise<true | undefined> =>
    pair.isShared().then((shared) => (shared ? true : undefined))

  const faults: readonly (readonly [name: string, inject: () => unknown, heal: () => unknown])[] = [
    ['killed', () => signal('SIGKILL'), start],
    ['frozen', () => signal('SIGSTOP'), () => signal('SIGCONT')],
    ['emptied', () => admin.flushall(), () => admin.flushall()],
    [
      'out of memory',
      () => admin.config('SET', 'maxmemory', '1mb'),
      () => admin.config('SET', 'maxmemory', '0'),
    ],
    [
      'to be read only',
      async () => admin.replicaof('127.0.0.1', await freePort()),
      () => admin.replicaof('NO', 'ONE'),
    ],
    [
      'cutting connections',
      () => admin.call('CLIENT', 'KILL', 'TYPE', 'normal'),
      () => admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub'),
    ],
  ]
  for (const [name, inject, heal] of faults) {
    it(`are all answered and right while it is ${name}, and are shared again after`, async () => {
      await eventually(isShared, 15_000)
      const load = startLoad(6, question)
      await load.more(60)
      await inject()
      await load.more(120)
      await expectTruth(load)
      await heal()
      await eventually(isShared, 20_000)
      const { failed, wrong, longestMs } = await load.stop()
      expect(failed).to.deep.equal([])
      expect(wrong).to.deep.equal([])
      expect(longestMs).to.be.below(3_000)
    }).timeout(60_000)
  }

  it('say in the log that Redis went and came back', () => {
    for (const said of pair.said) {
      expect(said.filter((line) => line.startsWith('Redis cache')).slice(0, 3)).to.deep.equal([
        'Redis cache initialized',
        'Redis cache lost',
        'Redis cache restored',
      ])
    }
  })

  it('are served without Redis from the start, and shared once it comes', async () => {
    const late = await freePort()
    const apart = await openPair(`redis://127.0.0.1:${late}`)
    try {
      for (const api of [apart.one, apart.other]) {
        for (const { path, text } of apart.known) {
          expect((await apart.get(path, api)).text).to.equal(text)
        }
      }
      expect(await apart.isShared()).to.equal(false)
      const settings = ['--save', '', '--appendonly', 'no']
      const directory = join(parent, 'late')
      const redis = await startRedis({ binary, directory, port: late, settings })
      await eventually(() => apart.isShared().then((is) => (is ? true : undefined)), 20_000)
      const lines = apart.said.map((said) => said.filter((line) => line.startsWith('Redis cache')))
      const wanted = ['Redis cache initialization failed', 'Redis cache initialized']
      expect(lines).to.deep.equal([wanted, wanted])
      await redis.stop()
    } finally {
      await apart.close()
    }
  }).timeout(60_000)

  const values = async (): Promise<string[]> => admin.keys('tidegate:cache:entry*:value')

  /** Fills an answer at one process and waits until Redis has it; gives its path and its names. */
  async function stored(): Promise<{ path: string; answer: Answer; names: readonly string[] }> {
    await admin.flushall()
    const path = pair.newPath()
    const answer = await pair.get(path, pair.one)
    const names = await eventually(async () => {
      const found = await values()
      return found.length > 0 ? found : undefined
    })
    return { path, answer, names }
  }

  const poisons: readonly (readonly [what: string, spoil: (value: Buffer) => Buffer | string])[] = [
    ['no entry at all', () => '{"bad"'],
    ['nothing', () => ''],
    ['half of an entry', (value) => value.subarray(0, value.length / 2)],
    ['an entry without its last byte', (value) => value.subarray(0, -1)],
    ['an entry with one bit turned', (value) => turned(value, value.length - 9)],
    ['an entry with another stamp', (value) => turned(value, 30)],
    ['an entry of a newer form', (value) => value.toString('latin1').replace('TGE1', 'TGE2')],
    ['an entry of an older form', (value) => value.toString('latin1').replace('TGE1', 'TGE0')],
    ['a prototype', () => '{"__proto__":{"status":200},"body":"x"}'],
    ['five megabytes', () => Buffer.alloc(5 * 1024 * 1024, 'x')],
  ]
  for (const [what, spoil] of poisons) {
    it(`are right where Redis holds ${what}`, async () => {
      await eventually(isShared, 20_000)
      const { path, answer, names } = await stored()
      for (const name of names) {
        await admin.set(name, spoil((await admin.getBuffer(name)) ?? Buffer.alloc(0)))
      }
      const read = await pair.get(path, pair.other)
      expect([read.status, read.text]).to.deep.equal([200, answer.text])
      expect(read.headers.get('cache-status')).to.match(/memory; fwd=miss; stored$/)
      expect(read.headers.get('cache-status')).not.to.include('hit')
    }).timeout(30_000)
  }

  it('are right where Redis holds something that is no text', async () => {
    const { path, answer, names } = await stored()
    for (const name of names) {
      await admin.del(name)
      await admin.lpush(name, 'x')
    }
    expect((await pair.get(path, pair.other)).text).to.equal(answer.text)
  })

  it('are not given to another organisation, though Redis holds them under its names', async () => {
    await admin.flushall()
    const path = pair.newPath()
    const [ours, theirs] = [
      await pair.get(path, pair.one),
      await pair.get(path, pair.one, {}, pair.theirs.secretKey),
    ]
    const names = await eventually(async () => {
      const found = await values()
      return found.length === 2 ? found : undefined
    })
    const [first = '', second = ''] = names
    const [one, two] = [await admin.getBuffer(first), await admin.getBuffer(second)]
    await admin.set(first, two ?? '')
    await admin.set(second, one ?? '')
    expect((await pair.get(path, pair.other)).text).to.equal(ours.text)
    const { secretKey } = pair.theirs
    expect((await pair.get(path, pair.other, {}, secretKey)).text).to.equal(theirs.text)
    expect(ours.text).not.to.equal(theirs.text)
  })

  it('are not older than a write, though Redis gives back what it had before', async () => {
    await pair.write()
    await admin.flushall()
    await pair.get(pair.links, pair.one)
    const name = await eventually(async () => (await values())[0])
    const old = (await admin.getBuffer(name)) ?? ''
    const { description, token } = await pair.write()
    await admin.flushall()
    await admin.set(name, old)
    const headers = { 'consistency-token': token }
    expect(pair.shown(await pair.get(pair.links, pair.other, headers))).to.equal(description)
  })
})

function turned(value: Buffer, at: number): Buffer {
  const copy = Buffer.from(value)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}
