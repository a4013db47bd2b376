import { Client } from 'pg'
import { sql } from 'kysely'
import { entities } from '#entities'
import { createOrganisation } from '#members'
import type { Cache, CacheRead } from '#platform/cache/cache'
import { quietApplication } from '#platform/cache/change'
import { cacheKey } from '#platform/cache/entry'
import { openCache, type CacheOptions } from '#platform/cache/open-cache'
import type { Served } from '#platform/cache/served'
import { openDatabase } from '#platform/database/database'
import { systemClock } from '#platform/clock'
import { createLifecycle, type Lifecycle } from '#platform/lifecycle'
import { systemRandom } from '#platform/random'
import { createReader, type Reader } from '#platform/resource/reader'
import { resources } from '../../api/resources.ts'
import { cacheOff } from './api.ts'
import { databaseOptions, openBusiness, type Business } from './business.ts'
import type { Question } from './cache-question.ts'
import { addProducts } from './catalogue.ts'
import { createTestClock, type TestClock } from './clock.ts'
import type { TcpGate } from './tcp-gate.ts'
import { createReadGate, type ReadGate } from './read-gate.ts'

/** An answer as a reader sees it, and how the cache came by it. */
export type Seen = Pick<Served, 'outcome' | 'reason' | 'tier' | 'isStored' | 'isCollapsed'> & {
  readonly status: number
  /** `{ data, hasMore, total, lastKey }` of a list, `{ data }` of an item. */
  readonly json: any
}

/** One process with a cache: the real one, which follows the real log. Its clock stands still, and writers of the world are
 *  quiet, so it learns of a change when the test lets it: by `catchUp` or `acknowledge`. */
export type CacheProcess = {
  readonly cache: Cache
  readonly clock: TestClock
  readonly gate: ReadGate
  readonly reader: Reader
  read(question: Question, more?: Partial<CacheRead>): Promise<Seen>
  readonly lifecycle: Lifecycle
}

export type CacheWorld = {
  readonly business: Business
  open(options?: Partial<CacheOptions>, clock?: TestClock): Promise<CacheProcess>
  /** A session of PostgreSQL. By default its commits are not announced. */
  session(applicationName?: string): Promise<Client>
  /** Writes at once, from a session that does not announce it. */
  write(text: string, values?: readonly unknown[]): Promise<void>
  /** An organisation with `count` products, a minute apart; the last one is the newest. */
  shop(count: number): Promise<ShopPlace>
  /** Closes the processes and sessions of one test. */
  end(): Promise<void>
  close(): Promise<void>
}

export type ShopPlace = {
  readonly organisationId: string
  readonly ids: readonly string[]
  readonly id: (index: number) => string
}

export async function openCacheWorld(url?: string): Promise<CacheWorld> {
  const business = await openBusiness(url === undefined ? {} : { url })
  const opened: (() => Promise<unknown>)[] = []
  return {
    business,
    async open(options = {}, clock = createTestClock()) {
      const process = await openProcess(business, options, clock)
      opened.push(() => process.lifecycle.stop())
      return process
    },
    async session(applicationName = quietApplication) {
      const client = new Client({
        connectionString: business.url,
        application_name: applicationName,
      })
      client.on('error', () => {}) // a test may end its server
      await client.connect()
      opened.push(() => client.end())
      return client
    },
    async write(text, values = []) {
      const client = new Client({
        connectionString: business.url,
        application_name: quietApplication,
      })
      await client.connect()
      try {
        await client.query(text, [...values])
      } finally {
        await client.end()
      }
    },
    shop: (count) => addShop(business, count),
    async end() {
      for (const close of opened.splice(0).toReversed()) {
        await close()
      }
    },
    close: () => business.lifecycle.stop(),
  }
}

async function addShop(business: Business, count: number): Promise<ShopPlace> {
  const slug = `shop-${systemRandom.uuid()}`
  const settlementAssets = ['EUR', 'USD', 'AUD', 'JPY']
  const organisation = { name: 'Shop', slug, defaultCurrency: 'GBP', settlementAssets }
  const organisationId = await createOrganisation(business, organisation)
  const { productIds } = await addProducts(business, { organisationId }, count)
  await business.db.run(sql`delete from prices where organisation_id = ${organisationId}`)
  return { organisationId, ids: productIds, id: (index) => productIds[index] ?? '' }
}

async function openProcess(
  business: Business,
  options: Partial<CacheOptions>,
  clock: TestClock,
): Promise<CacheProcess> {
  const { random, log, url } = business
  const lifecycle = createLifecycle(log)
  const patient = { ...databaseOptions(url), acquireTimeoutMs: 20_000 }
  const db = await openDatabase(patient, entities, { log, lifecycle })
  const gate = createReadGate(db)
  const reader = createReader({ db, clock }, resources)
  const all = { ...cacheOff, tiers: 'memory', databaseUrl: url, ...options } as const
  const opening = openCache(all, reader.tracked, { clock, random, log, lifecycle })
  const cache = await ticking(clock, opening)
  return {
    cache,
    clock,
    gate,
    reader,
    lifecycle,
    async read(question, more = {}) {
      const { organisationId, route, shape, query, fill } = question(reader)
      const served = await cache.read({
        key: cacheKey({ organisationId }, { route, shape, query }),
        route,
        lifetime: { freshSeconds: 60, staleSeconds: 60 },
        fill: () => fill(gate),
        ...more,
      })
      return seen(served)
    },
  }
}

/** Cuts a process off from the change log, and waits until it has noticed: its next catch-up has failed. */
export async function loseLog({ cache, clock }: CacheProcess, line: TcpGate): Promise<void> {
  line.cut()
  const isOver = await ticking(
    clock,
    cache.catchUp().then(
      () => false,
      () => true,
    ),
  )
  if (!isOver) {
    throw new Error('the process does not follow through this relay')
  }
}

/** Waits for something of a process that may have to pause first, and lets its clock run for that. */
async function ticking<T>(clock: TestClock, work: Promise<T>): Promise<T> {
  const over = new AbortController()
  const settled = work.finally(() => over.abort())
  settled.catch(() => undefined) // whoever waits has it too
  for (let turn = 0; !over.signal.aborted && turn < 400; turn += 1) {
    await systemClock.sleep(25)
    // A process that is only slow needs no time of its own.
    if (!over.signal.aborted && turn % 4 === 3) {
      await clock.advance(50)
    }
  }
  return settled
}

function seen({ held, outcome, reason, tier, isStored, isCollapsed }: Served): Seen {
  const { status, body } = held
  const json: unknown = body.length > 0 ? JSON.parse(body.toString()) : {}
  return { outcome, tier, isStored, isCollapsed, status, json, ...(reason && { reason }) }
}
