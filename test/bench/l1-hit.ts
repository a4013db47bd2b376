import { sql } from 'kysely'
import type { Cache, CacheRead } from '../../shared/platform/cache/cache.ts'
import {
  rowTag,
  tableTag,
  valueTag,
  type Dependencies,
} from '../../shared/platform/cache/dependencies.ts'
import { cacheKey } from '../../shared/platform/cache/entry.ts'
import { organisationTag } from '../../shared/platform/resource/dependencies.ts'
import { addTenant } from '../support/business.ts'
import { createDatabase } from '../support/servers.ts'
import { openCacheProcess, type CacheProcess } from './cache-process.ts'
import { median } from './quantile.ts'
import { startForked } from './forked.ts'
import { openBentocache, rivalName, type Bento } from './rivals.ts'

/** Answers that are asked for in turn; each once between two changes, which is the worst that changes can do. */
const answersCount = 200
const membersCount = 20_000
const writesPerSecond = 1000
const rounds = 9
/** CPU that a rival uses in each round, and more in the one that warms it up. */
const roundMs = 15
const warmUpMs = 150
const dependencies = [3, 55, 300]

/** Asks for every answer once. */
type Pass = () => Promise<void> | void
type Rivals = Readonly<Record<string, Pass>>

/** A hit in the memory of the process: CPU of ours and of bentocache's tagged one, with no writes and with 1,000 a second on
 *  the same table and organisation, of other rows. */
export async function printHits(): Promise<void> {
  const opened = await openCacheProcess({ url: await createDatabase() })
  const { cache, business } = opened
  const { organisationId } = await addTenant(business, 'hits')
  const ids = await addMembers(opened, organisationId)
  await cache.catchUp()
  const bento = await openBentocache()
  // None of these is in an answer.
  const others = ids.slice(-1000)
  const writer = startForked<'start' | 'stop', number>('writer', {
    url: business.url,
    ids: others,
    writesPerSecond,
  })
  const print = (cells: readonly string[]): void =>
    console.log(cells.map((cell, index) => (index < 3 ? cell.padEnd(22) : cell)).join(' '))
  print(['dependencies', 'writes', 'who', 'CPU per hit'])
  for (const count of dependencies) {
    const reads = answers(cache, { count, ids, organisationId })
    const rivals = await prepare(cache, bento, reads)
    for (const writes of [0, writesPerSecond]) {
      if (writes > 0) {
        await writer.ask('start')
      }
      let turn = 0
      const spent = await measure(rivals, async () => {
        turn += 1
        const tags = [rowTag('members', others[turn % others.length] ?? '')]
        await (writes > 0 ? bento.deleteByTag({ tags }) : undefined)
      })
      const reached = writes > 0 ? await writer.ask('stop') : 0
      const base = spent[rivalName('bentocache')] ?? Number.NaN
      for (const [name, ns] of Object.entries(spent)) {
        const ratio = name === rivalName('bentocache') ? '' : `${(base / ns).toFixed(1)} x as fast`
        const shown = ns < 10_000 ? `${Math.round(ns)} ns` : `${(ns / 1000).toFixed(1)} µs`
        print([String(count), `${Math.round(reached)} a second`, name, shown.padEnd(10), ratio])
      }
    }
  }
  const { counters, routes } = cache.report()
  const misses = Object.values(routes).reduce((sum, { outcomes }) => sum + outcomes.miss, 0)
  const expected = answersCount * dependencies.length
  console.log(
    `\nmedians of ${rounds} rounds in turns; writes come from another process through PostgreSQL and NOTIFY, and to bentocache as deleteByTag of one row; a miss beyond the first of each answer: ${misses - expected}; drops of everything: ${counters.reset - 1}`,
  )
  await writer.stop()
  await opened.close()
}

/** Reads of pages of members, which depend on what the declared ones depend on: the table, the organisation, the rows and
 *  from a whole page on the list. */
function answers(
  cache: Cache,
  of: { readonly count: number; readonly ids: readonly string[]; readonly organisationId: string },
): readonly CacheRead[] {
  const { count, ids, organisationId } = of
  const collection = valueTag('members', 'organisation_id', organisationId)
  const memberships = count > 3 ? [{ collection, equal: [] }] : []
  const rowsCount = count - 2 - memberships.length
  return Array.from({ length: answersCount }, (_, index) => {
    const rows = Array.from({ length: rowsCount }, (_each, row) =>
      rowTag('members', ids[(index * rowsCount + row) % (membersCount - 1000)] ?? ''),
    )
    const tags = [tableTag('members'), ...rows, organisationTag(organisationId)]
    return readOf(cache, { organisationId, name: `${count} ${index}` }, { tags, memberships })
  })
}

function readOf(
  cache: Cache,
  { organisationId, name }: { readonly organisationId: string; readonly name: string },
  dependsOn: Dependencies,
): CacheRead {
  const route = '/api/v2/members'
  return {
    key: cacheKey({ organisationId }, { route, shape: 'a', query: name }),
    route,
    lifetime: { freshSeconds: 3600, staleSeconds: 0 },
    async fill() {
      const stamp = cache.stamp()
      const body = Buffer.from(name)
      return { status: 200, body, headers: {}, dependencies: dependsOn, ...(stamp && { stamp }) }
    },
  }
}

async function prepare(cache: Cache, bento: Bento, reads: readonly CacheRead[]): Promise<Rivals> {
  const tagged = await Promise.all(
    reads.map(async (read) => {
      const { body, dependencies: dependsOn } = await read.fill()
      const tags = [...dependsOn.tags, ...dependsOn.memberships.map((one) => one.collection)]
      return { key: read.key, tags, ttl: '1h', factory: () => body }
    }),
  )
  await Promise.all(reads.map((read) => cache.read(read)))
  return {
    'ours, peek': () => {
      for (const read of reads) {
        if (!cache.peek(read)) {
          throw new Error('an answer that nothing concerned was not served')
        }
      }
    },
    'ours, await read': async () => {
      for (const read of reads) {
        await cache.read(read)
      }
    },
    [rivalName('bentocache')]: async () => {
      for (const options of tagged) {
        await bento.getOrSet(options)
      }
    },
  }
}

/** Nanoseconds of CPU per hit of each rival, without what goes on between the passes: there changes arrive. */
async function measure(
  rivals: Rivals,
  between: () => Promise<void>,
): Promise<Readonly<Record<string, number>>> {
  const spent = new Map(Object.keys(rivals).map((name) => [name, new Array<number>()]))
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, pass] of Object.entries(rivals)) {
      const ns = await measureRound(pass, between, round === 0 ? warmUpMs : roundMs)
      if (round > 0) {
        spent.get(name)?.push(ns)
      }
    }
  }
  return Object.fromEntries([...spent].map(([name, all]) => [name, median(all)]))
}

async function measureRound(
  pass: Pass,
  between: () => Promise<void>,
  cpuMs: number,
): Promise<number> {
  // The changes that came while the others had their turn are not this one's to pay for.
  await pass()
  let [micros, passes] = [0, 0]
  while (micros < cpuMs * 1000) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    await between()
    const before = process.cpuUsage()
    await pass()
    const { user, system } = process.cpuUsage(before)
    micros += user + system
    passes += 1
  }
  return (micros * 1000) / (passes * answersCount)
}

async function addMembers(
  { business: { db } }: CacheProcess,
  organisationId: string,
): Promise<readonly string[]> {
  const rows = await db.run(sql<{ id: string }>`
    insert into members (organisation_id, email, name)
    select ${organisationId}, n || '@example.com', 'Member ' || n
      from generate_series(1, ${membersCount}::integer) as n
    returning id`)
  return rows.map(({ id }) => id)
}
