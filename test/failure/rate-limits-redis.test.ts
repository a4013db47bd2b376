import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { send } from '../../deploy/laptop/live-process.ts'
import { findRedisBinary, startRedis, type RedisServer } from '../../deploy/laptop/redis.ts'
import { eventually } from '../platform/queue/fixture.ts'
import { startApi, type Api } from '../support/api.ts'
import { addTenant, openBusiness, type Business, type Tenant } from '../support/business.ts'
import { runDirectory } from '../support/run-directory.ts'
import { freePort } from '../support/servers.ts'

const key = 40
const path = '/api/v2/products'

describe('the limits of two processes of the API whose Redis fails', () => {
  let parent = ''
  let server: RedisServer | undefined
  let businesses: readonly Business[] = []
  let tenant: Tenant
  let apis: readonly Api[] = []
  let start: () => Promise<void>

  before(async function () {
    const binary = (await findRedisBinary(process.env['PATH'] ?? '')) ?? this.skip()
    parent = join(runDirectory(), `rate-limits-redis-${process.pid}`)
    await mkdir(parent)
    const port = await freePort()
    start = async () => {
      const settings = ['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction']
      server = await startRedis({ binary, directory: join(parent, 'redis'), port, settings })
    }
    await start()
    const first = await openBusiness()
    businesses = [first, await openBusiness({ url: first.url })]
    tenant = await addTenant(first, 'harbour')
    const redis = {
      url: `redis://127.0.0.1:${port}`,
      prefix: 'tidegate:limits',
      connectTimeoutMs: 500,
      commandTimeoutMs: 100,
    }
    apis = await Promise.all(businesses.map((one) => startApi(one, { limits: { key, redis } })))
  })
  after(async () => {
    signal('SIGCONT')
    await Promise.all(businesses.map(({ lifecycle }) => lifecycle.stop()))
    await server?.stop()
    await rm(parent, { recursive: true, force: true })
  })

  function signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    if (server) {
      send(server.pid, name)
    }
  }
  /** Asks both in turn, and says how often each status came. */
  async function ask(count: number, as: string): Promise<Readonly<Record<number, number>>> {
    const seen: Record<number, number> = {}
    for (let asked = 0; asked < count; asked += 1) {
      const { status } = (await apis[asked % apis.length]?.call('GET', path, { as })) ?? {
        status: 0,
      }
      seen[status] = (seen[status] ?? 0) + 1
    }
    return seen
  }
  const left = async (api: Api | undefined, as: string): Promise<number> => {
    const shown = await api?.call('GET', '/api/v2/rate-limits', { as })
    return shown?.json.data[0].remaining
  }
  /** What one has taken the other knows of when it has asked for more itself. */
  const isShared = async (): Promise<true | undefined> => {
    const [first] = businesses
    if (!first) {
      throw new Error('there is no business')
    }
    const { secretKey } = await addTenant(first, `t${(count += 1)}`)
    let asked = 0
    return eventually(async () => {
      await ask(asked < key - 6 ? 6 : 0, secretKey)
      asked += asked < key - 6 ? 6 : 0
      const known = await Promise.all(apis.map((api) => left(api, secretKey)))
      // Each has counted half of it itself.
      return known.every((one) => one <= key - asked / 2 - 2) || undefined
    }, 600).catch(() => undefined)
  }
  let count = 0

  it('are one quota', async () => {
    await eventually(isShared, 15_000)
    const { secretKey } = tenant
    await ask(key / 2, secretKey)
    await eventually(async () => {
      await ask(2, secretKey)
      return (await left(apis[1], secretKey)) < key / 2 || undefined
    }, 5_000)
    expect((await ask(2 * key, secretKey))[200]).to.be.below(key)
    expect(await ask(10, secretKey)).to.deep.equal({ 429: 10 })
  }).timeout(30_000)

  for (const [name, inject, heal] of [
    ['killed', () => signal('SIGKILL'), () => start()],
    ['frozen', () => signal('SIGSTOP'), async () => signal('SIGCONT')],
  ] as const) {
    it(`hold while it is ${name}, with no answer late and none that fails, and are one again after`, async () => {
      await eventually(isShared, 15_000)
      const [first] = businesses
      const { secretKey } = first ? await addTenant(first, name) : tenant
      inject()
      const startedMs = performance.now()
      const seen = await ask(4 * key, secretKey)
      const elapsedMs = performance.now() - startedMs
      expect(Object.keys(seen)).to.deep.equal(['200', '429'])
      expect(seen[200]).to.be.within(key, 2 * key)
      // Were each to wait for Redis, it would be 16 s.
      expect(elapsedMs).to.be.below(8_000)
      await heal()
      await eventually(isShared, 20_000)
    }).timeout(60_000)
  }
})
