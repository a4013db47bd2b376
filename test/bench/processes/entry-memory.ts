import type { CacheRead } from '../../../shared/platform/cache/cache.ts'
import { cacheKey } from '../../../shared/platform/cache/entry.ts'
import { codings } from '../../../shared/platform/cache/held.ts'
import { writeCursor } from '../../../shared/platform/resource/cursor.ts'
import type { Filled, Item, Page } from '../../../shared/platform/resource/filled.ts'
import type { PreparedRead } from '../../../shared/platform/resource/reader.ts'
import { fillFrom } from '../../../api/http/cached-read.ts'
import { paymentLinks } from '../../../api/resources/payment-links.ts'
import type { Selection } from '../../../shared/platform/resource/selection.ts'
import { openCacheProcess, type CacheProcess } from '../cache-process.ts'
import { answerParent } from '../forked.ts'
import { pageQuery } from '../page.ts'

// A process that keeps answers and says what they weigh. Each is the real answer of a real read, made anew by the same code
// from what PostgreSQL sent once.

type Setup = {
  readonly url: string
  readonly organisationId: string
  readonly memoryBytesMax: number
}

export type Weighing = {
  readonly kinds: readonly Kind[]
  /** Of each kind, after so many to warm up. */
  readonly count: number
  readonly warmUpCount: number
}

export type Weighed = {
  readonly bodyBytes: number
  readonly tags: number
  readonly entries: number
  /** Of all entries. */
  readonly countedBytes: number
  readonly realBytes: number
}

export type Kind = 'detail' | 'page of 20' | 'page of 50' | 'page of 20, br' | 'page of 50, gzip'

answerParent(async ({ organisationId, ...setup }: Setup) => {
  const opened = await openCacheProcess(setup)
  const { cache } = opened
  let number = 0

  async function keep(kind: Kind, make: Make): Promise<void> {
    number += 1
    const read = make(number)
    const { held } = await cache.read(read)
    const coding = codings.find((name) => kind.endsWith(name))
    if (coding) {
      await cache.encoded(held, coding)
    }
    // Others use small buffers meanwhile.
    Buffer.from(`another ${number}`)
  }

  return {
    async answer({ kinds, count, warmUpCount }: Weighing) {
      const makes = await Promise.all(
        kinds.map(async (kind) => [kind, await makerOf(opened, organisationId, kind)] as const),
      )
      const keepRounds = async (rounds: number): Promise<void> => {
        for (let done = 0; done < rounds; done += 1) {
          for (const [kind, make] of makes) {
            await keep(kind, make)
          }
        }
      }
      await keepRounds(warmUpCount)
      const before = { ...cache.report(), real: weigh() }
      await keepRounds(count)
      const after = { ...cache.report(), real: weigh() }
      const last = [...cache.kept()].at(-1)
      return {
        bodyBytes: last?.body.length ?? 0,
        tags: last?.dependencies.tags.length ?? 0,
        entries: after.entries - before.entries,
        countedBytes: after.bytes - before.bytes,
        realBytes: after.real - before.real,
      } satisfies Weighed
    },
    close: opened.close,
  }
})

type Make = (number: number) => CacheRead

/** What the heap and what lies outside of it weigh, of what is in use. */
function weigh(): number {
  for (let time = 0; time < 3; time += 1) {
    globalThis.gc?.()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const pages: Readonly<Record<string, { limit: number; selection: Selection }>> = {
  'page of 20': { limit: 20, selection: { expand: {} } },
  'page of 50': { limit: 50, selection: pageQuery.selection },
}

/** Reads of that kind under keys of their own. */
async function makerOf(opened: CacheProcess, organisationId: string, kind: Kind): Promise<Make> {
  const scope = { organisationId }
  const size = pages[kind.replace(/,.*/, '')]
  const query = { ...pageQuery, ...size }
  const listing = { resource: paymentLinks, scope }
  const page = opened.reader.page(listing, query)
  if (size) {
    return recorded(opened, page, JSON.stringify(query), renderPage)
  }
  const [id = ''] = (await page.run(opened.business.db)).ids
  const item = opened.reader.item({ ...listing, id, selection: { expand: {} } })
  return recorded(opened, item, id, ({ body }) => ({ body, headers: {} }))
}

/** With a cursor, as the API gives it to the page. */
function renderPage({ body, lastKey: key = [] }: Page) {
  const ring = [{ id: 'bench', secret: Buffer.alloc(32, 7) }]
  return { body, headers: { nextCursor: writeCursor(ring, '', { direction: 'next', key }) } }
}

/** Runs the read once, and from then on makes its answer from copies of what was read. */
async function recorded<Found extends Filled | Item>(
  { business: { db } }: CacheProcess,
  prepared: PreparedRead<Found>,
  query: string,
  render: Parameters<typeof fillFrom<Found>>[2],
): Promise<Make> {
  const rows: unknown[] = []
  await prepared.run({
    async read(statement) {
      const read = await db.read(statement)
      rows.push(...read)
      return read
    },
  })
  const replay = { ...db, read: async () => rows.map(copy) as never }
  return (number) => {
    const route = '/api/v2/payment-links'
    const parts = { route, shape: prepared.digest, query: `${query} ${number}` }
    return {
      key: cacheKey({ organisationId: 'one' }, parts),
      route,
      lifetime: { freshSeconds: 3600, staleSeconds: 60 },
      fill: () => fillFrom({ db: replay }, prepared, render),
    }
  }
}

/** With texts of its own, as PostgreSQL would send them again. */
function copy(row: unknown): unknown {
  const fields = Object.entries(Object(row)).map(([name, value]) => [
    name,
    typeof value === 'string' ? Buffer.from(value).toString() : value,
  ])
  return Object.fromEntries(fields)
}
