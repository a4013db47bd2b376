import { expect } from 'chai'
import { Redis } from 'ioredis'
import { issueAdminToken } from '#members'
import { adminClient, startAdmin, type AdminClient } from '../support/admin.ts'
import { startApi, type Api } from '../support/api.ts'
import { addTenant, openBusiness, type Business, type Tenant } from '../support/business.ts'
import { addProducts } from '../support/catalogue.ts'
import { freePort, redisUrl } from '../support/servers.ts'

const path = '/api/v2/products?limit=3'
const foreign = 'of another application'

/** What is promised is that they answer; how soon, a loaded machine decides. */
const patient = { cachePatienceMs: 5_000, deadlineMs: 20_000 }

async function openShop(): Promise<{ business: Business; tenant: Tenant; operator: AdminClient }> {
  const business = await openBusiness()
  const tenant = await addTenant(business, 'harbour')
  await addProducts(business, tenant, 4)
  const { text } = await issueAdminToken(business, { name: 'operator', role: 'operator' })
  const operator = adminClient(await startAdmin(business, patient), text)
  return { business, tenant, operator }
}

const start = (business: Business, url: string): Promise<Api> =>
  startApi(business, {
    cache: {
      tiers: 'memory-and-redis',
      redis: { url, connectTimeoutMs: 2_000, commandTimeoutMs: 2_000 },
    },
  })

async function until<T>(look: () => Promise<T>, isTrue: (seen: T) => boolean): Promise<T> {
  const deadline = performance.now() + 10_000
  for (;;) {
    const seen = await look()
    if (isTrue(seen)) {
      return seen
    }
    expect(performance.now(), JSON.stringify(seen)).to.be.below(deadline)
  }
}

describe('the cache of two API processes that share Redis, for operators', () => {
  let business: Business
  let tenant: Tenant
  let operator: AdminClient
  let apis: readonly [Api, Api]
  let redis: Redis

  before(async function () {
    const url = `${redisUrl() ?? this.skip()}/9`
    redis = new Redis(url)
    await redis.set(foreign, 'stays')
    ;({ business, tenant, operator } = await openShop())
    apis = [await start(business, url), await start(business, url)]
  })
  after(async () => {
    await business?.lifecycle.stop()
    redis?.disconnect()
  })
  beforeEach(async () => {
    await operator.cache.invalidate.mutate({ by: 'everything', confirm: true })
    await Promise.all(apis.map(({ slice }) => slice.cache.catchUp()))
  })

  const read = async (api: Api): Promise<string> =>
    (await api.call('GET', path, { as: tenant.secretKey })).headers.get('cache-status') ?? ''
  const inspect = () =>
    operator.cache.inspect.query({ url: path, organisationId: tenant.organisationId })
  const memories = ({ processes }: Awaited<ReturnType<typeof inspect>>) =>
    processes.flatMap(({ memory }) => memory ?? [])

  it('finds an answer in Redis and in the memory of whoever has read it', async () => {
    expect((await inspect()).redis).to.equal(undefined)
    expect(await read(apis[0])).to.include('redis; fwd=miss')
    const fetched = await until(inspect, (found) => found.redis !== undefined)
    expect(memories(fetched)).to.have.length(1)
    expect(fetched.redis).to.deep.include({ status: 200, isCurrent: true })

    expect(await read(apis[1])).to.match(/^redis; hit/)
    const both = await inspect()
    expect(memories(both)).to.have.length(2)
    for (const { etag, stamp, dependencies, isCurrent } of memories(both)) {
      expect(isCurrent).to.equal(true)
      const {
        etag: shared,
        stamp: sharedStamp,
        dependencies: sharedDependencies,
      } = both.redis ?? {}
      expect({ etag, stamp, dependencies }).to.deep.equal({
        etag: shared,
        stamp: sharedStamp,
        dependencies: sharedDependencies,
      })
    }
  })

  for (const by of ['pattern', 'key', 'organisation'] as const) {
    it(`invalidates by ${by} what Redis has as well: whoever reads first fetches, and the other takes that`, async () => {
      await read(apis[0])
      const before = await until(inspect, (found) => found.redis !== undefined)
      await read(apis[1])
      const { organisationId } = tenant
      const targets = {
        pattern: { by: 'pattern', pattern: 'products:*' },
        key: { by: 'key', key: before.keys[0] ?? '' },
        organisation: { by: 'organisation', organisationId },
      } as const
      const cost = await operator.cache.dryRun.query(targets[by])
      expect(cost).to.include({ answered: 2, entries: 2 })
      expect(cost.notCounted).to.include('Redis')

      await operator.cache.invalidate.mutate(targets[by])
      await until(inspect, ({ redis: shared, processes }) =>
        [shared, ...processes.map(({ memory }) => memory)].every((one) => !one?.isCurrent),
      )
      expect(await read(apis[1])).to.include('memory; fwd=stale')
      const after = await until(inspect, (found) => found.redis?.isCurrent === true)
      expect(after.keys).to.deep.equal(before.keys)
      expect(after.redis?.stamp.snapshot).not.to.equal(before.redis?.stamp.snapshot)
      expect(await read(apis[0])).to.match(/^redis; hit/)
    })
  }

  it('invalidates everything by the epoch, and leaves Redis to those who share it', async () => {
    await read(apis[0])
    const before = await until(inspect, (found) => found.redis !== undefined)
    const keysCount = await redis.dbsize()
    await operator.cache.invalidate.mutate({ by: 'everything', confirm: true })
    const after = await until(inspect, (found) => memories(found).length === 0)
    expect(after.redis).to.equal(undefined)
    expect(await read(apis[1])).to.include('redis; fwd=miss')
    const anew = await until(inspect, (found) => found.redis !== undefined)
    expect(anew.redis?.stamp.epoch).not.to.equal(before.redis?.stamp.epoch)
    expect(await redis.get(foreign)).to.equal('stays')
    expect(await redis.dbsize()).to.be.at.least(keysCount)
  })

  it('counts hits in Redis, and says how Redis answers each process', async () => {
    const hits = async (): Promise<number> => {
      const { routes } = await operator.cache.statsByRoute.query()
      return routes.find(({ route }) => route === '/api/v2/products')?.redisHits ?? 0
    }
    const before = await hits()
    await read(apis[0])
    await until(inspect, (found) => found.redis !== undefined)
    await read(apis[1])
    expect(await hits()).to.equal(before + 1)
    const { processes } = await operator.cache.stats.query()
    expect(processes).to.have.length(2)
    for (const { tiers, redis: seen } of processes) {
      expect(tiers).to.equal('memory-and-redis')
      expect(seen).to.deep.include({ circuit: 'CLOSED', isConnected: true, dropped: 0 })
    }
  })
})

describe('the cache of an API process whose Redis is not there, for operators', () => {
  let shop: Awaited<ReturnType<typeof openShop>>
  let api: Api

  before(async () => {
    shop = await openShop()
    api = await start(shop.business, `redis://127.0.0.1:${await freePort()}`)
  })
  after(() => shop.business.lifecycle.stop())

  it('says so, and shows and invalidates what is in memory all the same', async () => {
    const { operator, tenant } = shop
    const { organisationId, secretKey } = tenant
    await api.call('GET', path, { as: secretKey })
    const [one] = (await operator.cache.stats.query()).processes
    expect(one?.redis).to.include({ isConnected: false })
    const inspect = () => operator.cache.inspect.query({ url: path, organisationId })
    const found = await inspect()
    expect(found.redis).to.equal(undefined)
    expect(found.processes[0]?.memory?.isCurrent).to.equal(true)
    await operator.cache.invalidate.mutate({ by: 'url', url: path, organisationId })
    await until(inspect, ({ processes }) => processes[0]?.memory?.isCurrent === false)
  })
})
