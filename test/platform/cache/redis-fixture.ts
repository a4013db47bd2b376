import { pino } from 'pino'
import { z } from 'zod'
import { systemClock } from '#platform/clock'
import { cacheKey, type CacheKey, type Entry } from '#platform/cache/entry'
import { openRedisTier, type RedisTier } from '#platform/cache/redis-tier'
import { parseSnapshot } from '#platform/cache/snapshot'
import { createLifecycle, type Lifecycle } from '#platform/lifecycle'
import { systemRandom } from '#platform/random'

export const epochs = {
  one: '019a0000-0000-7000-8000-000000000001',
  other: '019a0000-0000-7000-8000-000000000002',
} as const

/** Milliseconds; so generous that a busy machine does not take a healthy Redis for an absent one. */
export const limits = { connectTimeoutMs: 2000, commandTimeoutMs: 500 } as const

/** A key of the cache that no other test has. */
export function newKey(query = ''): CacheKey {
  const route = '/api/products'
  return cacheKey('public', { route, shape: '1', query: `${systemRandom.uuid()}\n${query}` })
}

/** An entry filled from a statement that saw this snapshot. */
export function entryOf(key: CacheKey, snapshot = '100:100:', changed: Partial<Entry> = {}): Entry {
  return {
    key,
    route: '/api/products',
    status: 200,
    body: Buffer.from('{"data":[]}'),
    headers: { link: '</api/products?after=7>; rel="next"' },
    stamp: { epoch: epochs.one, snapshot: parseSnapshot(snapshot) },
    etag: 'W/"abc"',
    dependencies: { tags: ['products'], memberships: [] },
    filledAtMs: 1_768_478_400_000,
    fillMs: 12,
    lifetime: { freshSeconds: 60, staleSeconds: 60 },
    ...changed,
  }
}

export type OpenTier = {
  readonly tier: RedisTier
  readonly lifecycle: Lifecycle
  /** The sentences that it wrote into the log. */
  readonly said: string[]
}

const Line = z.object({ msg: z.string() })

/** A process's own tier; close it by its lifecycle. */
export async function openTier(
  url: string,
  changed: Partial<{ prefix: string; connectTimeoutMs: number; commandTimeoutMs: number }> = {},
): Promise<OpenTier> {
  const said: string[] = []
  const log = pino({}, { write: (line: string) => said.push(Line.parse(JSON.parse(line)).msg) })
  const lifecycle = createLifecycle(log)
  const place = { url, prefix: 'tidegate-test', ...limits, ...changed }
  const needs = { clock: systemClock, log, lifecycle, random: systemRandom }
  return { tier: await openRedisTier(place, needs), lifecycle, said }
}
