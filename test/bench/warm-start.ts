import { Client } from 'pg'
import { createSkewed } from '../support/skewed.ts'
import { startChild, type Child } from '../support/child.ts'
import { connectionsDuring } from '../support/connections.ts'
import { createDemoDatabase } from '../support/demo.ts'
import { freePort, redisUrl } from '../support/servers.ts'
import { issueDemoCredentials } from '../../migrations/demo/seed.ts'
import { machineMs } from './machine-clock.ts'
import type { Told } from './options.ts'
import type { Scenario } from './scenario.ts'

/** What the last of the old process's requests and the first of the new one's found in the cache: the demo business, real
 *  processes one after the other, the visits of the load test `browsing` (lists of links and products and their next pages,
 *  details, searches, rates; the n-th asked for 1/n times as often as the first). */
export const warmStart: Scenario = {
  says: 'hit ratio of a new process in its first second, against that of the one before',
  needsServers: true,
  settings: ['shared_preload_libraries=pg_stat_statements'],
  options: {
    requests: ['10000', 'of the old process'],
    items: ['1000', 'links and as many products that are looked at'],
  },
  run,
}

const atOnce = 4

type World = {
  readonly url: string
  readonly secretKey: string
  readonly draw: () => string
}

async function run(told: Told): Promise<void> {
  const redis = redisUrl()
  const modes = [
    { name: 'without Redis', redis: '', isWarm: true },
    { name: 'without Redis, not warmed', redis: '', isWarm: false },
    ...(redis === undefined ? [] : [{ name: 'with Redis', redis: `${redis}/5`, isWarm: true }]),
  ]
  for (const { name, isWarm, ...mode } of modes) {
    const world = await openWorld(told)
    const old = await start(world, mode.redis, isWarm)
    await visit(old.origin, world, { count: told.number('requests') - 1_000 })
    const last = await visit(old.origin, world, { count: 1_000 })
    await old.child.stop()
    await query(world.url, 'select pg_stat_statements_reset()')
    const starting = start(world, mode.redis, isWarm)
    const connections = await connectionsDuring(world.url, 'tidegate-api', starting)
    const young = await starting
    const [statements] = await query(world.url, statementsOf)
    const first = await visit(young.origin, world, { forMs: 1_000 })
    const line = young.child.lines.find(({ msg }) => String(msg).includes('warm-up completed'))
    const ratio = (100 * first.hitRatio) / last.hitRatio
    console.log(
      `${name}: old ${percent(last.hitRatio)}, new ${percent(first.hitRatio)} of ${first.count} requests in the first second: ${ratio.toFixed(1)} % of it${isWarm ? `, 95 % asked for: ${ratio >= 95 ? 'met' : 'MISSED'}` : ''}`,
    )
    console.log(
      line
        ? `  warm-up: ${String(line['count'])} answers (fetched ${String(line['filled'])}, from Redis ${String(line['found'])}) in ${String(line['ms'])} ms; ${String(statements?.['calls'])} statements from start to ready, at most ${connections} connections of the pool`
        : `  no warm-up; ${String(statements?.['calls'])} statements from start to ready`,
    )
    if (isWarm && (ratio < 95 || connections > 2)) {
      process.exitCode = 1
    }
    await young.child.stop()
  }
}

const percent = (ratio: number): string => `${(100 * ratio).toFixed(1)} %`

const statementsOf = `
  select sum(calls)::int as calls from pg_stat_statements
   where dbid = (select oid from pg_database where datname = current_database())
     and query !~ 'pg_stat_' and query !~* '^(begin|commit|set|listen)'`

async function openWorld(told: Told): Promise<World> {
  const url = await createDemoDatabase()
  const { secretKey } = await issueDemoCredentials(url)
  await query(url, 'create extension if not exists pg_stat_statements')
  const items = told.number('items')
  const idsOf = async (text: string): Promise<string[]> =>
    (await query(url, `${text} limit ${items}`)).map(({ id }) => String(id))
  const links = await idsOf('select id from payment_links order by created_at desc, id desc')
  const products = await idsOf(
    `select id from products where status = 'active' and deleted_at is null order by published_at desc, id desc`,
  )
  const categories = await idsOf('select id from categories order by path')
  const words = (
    await query(url, 'select lower(title) as title from products order by id limit 300')
  ).flatMap(({ title }) => /[a-z]{5,}/.exec(String(title)) ?? [])
  return { url, secretKey, draw: drawVisits({ links, products, categories, words }) }
}

type Places = Readonly<Record<'links' | 'products' | 'categories' | 'words', readonly string[]>>

/** By the shares of test/load/browsing.ts. */
function drawVisits({ links, products, categories, words }: Places): () => string {
  const statuses = ['paid', 'cancelled', 'open', 'draft']
  const lists = statuses.flatMap((status) =>
    [20, 50, 10].map((limit) => `/api/v2/payment-links?status=${status}&limit=${limit}`),
  )
  const shelves = ['', ...categories.map((id) => `&categoryId=${id}`)]
  const shares: readonly (readonly [number, () => string])[] = [
    [5, createSkewed(['/api/v2/payment-links?limit=20', ...lists], 'lists')],
    [3, createSkewed(shelves, 'shelves')],
    [4, createSkewed(links, 'links')],
    [4, createSkewed(products, 'products')],
    [2, createSkewed([...new Set(words)], 'words')],
    [2, () => 'GBP'],
  ]
  const wheel = shares.flatMap(([share], index) => Array.from({ length: share }, () => index))
  let turn = 0
  return () => {
    // Each kind in its share, in an order that has nothing to do with what is drawn within it.
    const kind = wheel[(turn = (turn + 7) % wheel.length)] ?? 0
    const thing = shares[kind]?.[1]() ?? ''
    return (
      [
        thing,
        `/api/v2/products?limit=20${thing}`,
        `/api/v2/payment-links/${thing}`,
        `/api/v2/products/${thing}`,
        `/api/v2/products/search?q=${thing}`,
        '/api/v2/fx/rates?base=GBP&quotes=EUR,USD,AUD,JPY',
      ][kind] ?? ''
    )
  }
}

async function start(
  { url }: World,
  redis: string,
  isWarm: boolean,
): Promise<{ readonly child: Child; readonly origin: string }> {
  const port = String(await freePort())
  const child = await startChild('api', {
    DATABASE_URL: url,
    REDIS_URL: redis,
    FX_PROVIDERS: 'demo-replay',
    PORT: port,
    RATE_LIMIT_ENABLED: 'false',
    CACHE_WARM_ENABLED: String(isWarm),
    CURSOR_KEYS: `bench:${Buffer.alloc(32, 7).toString('base64url')}`,
  })
  return { child, origin: `http://127.0.0.1:${port}` }
}

type Visited = { readonly count: number; readonly hitRatio: number }

/** Half of the lists are read on. */
async function visit(
  origin: string,
  { secretKey, draw }: World,
  { count = Infinity, forMs = Infinity }: { readonly count?: number; readonly forMs?: number },
): Promise<Visited> {
  const headers = { authorization: `Bearer ${secretKey}` }
  const untilMs = machineMs() + forMs
  let [asked, hits, lists] = [0, 0, 0]
  async function ask(path: string): Promise<string> {
    asked += 1
    const answer = await fetch(`${origin}${path}`, { headers })
    hits += /^(memory|redis); hit/.test(answer.headers.get('cache-status') ?? '') ? 1 : 0
    if (answer.status !== 200) {
      throw new Error(`GET ${path} was answered with ${answer.status}`)
    }
    return answer.text()
  }
  async function user(): Promise<void> {
    while (asked < count && machineMs() < untilMs) {
      const path = draw()
      const body = await ask(path)
      const cursor = /"nextCursor":"([^"]+)"/.exec(body)?.[1]
      if (cursor !== undefined && (lists += 1) % 2 === 0) {
        await ask(`${path}&cursor=${cursor}`)
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, user))
  return { count: asked, hitRatio: hits / asked }
}

async function query(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}
