import { expect } from 'chai'
import { sql } from 'kysely'
import { fillFrom } from '../../api/http/cached-read.ts'
import { cacheKey } from '../../shared/platform/cache/entry.ts'
import type { CacheRead } from '../../shared/platform/cache/cache.ts'
import { createDatabase } from '../support/servers.ts'
import { openCacheProcess } from './cache-process.ts'
import { compare, type Result } from './cpu.ts'
import { openDeepList } from './deep-list.ts'

/** Page 10,000 of 1,000,000 payment links by cursor, cold and cached, and its plain rows by OFFSET, against page 1: CPU, and
 *  buffers of PostgreSQL. */
export async function pagination(): Promise<Result> {
  const opened = await openCacheProcess({ url: await createDatabase() })
  const { business, cache } = opened
  const list = await openDeepList(business, { linksCount: 1_000_000, pagesSkipped: 9_999 })
  const cached: CacheRead = {
    key: cacheKey(
      { organisationId: list.organisationId },
      { route: '/', shape: '', query: 'deep' },
    ),
    route: '/',
    lifetime: { freshSeconds: 3600, staleSeconds: 60 },
    fill: () => fillFrom(business, list.deep, ({ body }) => ({ body, headers: {} })),
  }
  const rivals = {
    'page 1': () => list.first.run(business.db),
    'page 10,000 by cursor': () => list.deep.run(business.db),
    'page 10,000, cached': () => cache.read(cached),
    'plain rows by OFFSET': () => business.db.read(list.byOffset),
  }
  const [byCursor, byOffset] = [
    await list.deep.run(business.db),
    await business.db.read(list.byOffset),
  ]
  expect(byCursor.ids).to.deep.equal(byOffset.map((row) => Reflect.get(Object(row), 'id')))
  await cache.read(cached)
  const backends = await business.db.run(sql<{ pid: number }>`
    select pid from pg_stat_activity where datname = current_database() and backend_type = 'client backend'`)
  const spent = await compare(rivals, {
    backendPids: backends.map(({ pid }) => pid),
    rounds: 9,
    callsPerRound: 20,
  })
  const buffers = {
    'page 1': await list.buffersFrom('first'),
    'page 10,000 by cursor': await list.buffersFrom('deep'),
    'plain rows by OFFSET': await list.buffersByOffset(),
  }
  await opened.close()
  return { spent, against: 'page 1', buffers }
}
