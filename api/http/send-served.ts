import { hash } from 'node:crypto'
import type { Request, Response } from 'express'
import { encodedBytesMin } from '#platform/cache/encodings'
import { codings, type Coding } from '#platform/cache/held'
import type { Served } from '#platform/cache/served'
import type { ApiSlice } from '../slice.ts'
import type { Answered } from './cached-read.ts'
import { isKnown } from './exchange.ts'

/** Groups that one answer names at most: proxies have little room for headers. */
const groupsMax = 32

/** Sends a kept answer, or 304 when the client has exactly this. Caches on the way may keep it and must ask each time: what
 *  they gave without asking could be older than the caller's own write. */
export async function sendServed(
  { cache }: Pick<ApiSlice, 'cache'>,
  { request, response }: { readonly request: Request; readonly response: Response },
  { served, isOperator }: Answered,
): Promise<void> {
  const { held } = served
  const { body, etag, tables } = held
  describe(response, served, { isOperator, hasRedis: cache.tiers === 'memory-and-redis' })
  response.set({ ETag: etag, 'Cache-Control': 'private, no-cache' })
  response.vary('Authorization').vary('Accept-Encoding')
  const groups = tables.filter((table) => table !== '').slice(0, groupsMax)
  if (groups.length > 0) {
    response.set('Cache-Groups', groups.map((group) => `"${group}"`).join(', '))
  }
  if (isKnown(request, etag)) {
    response.status(304).end()
    return
  }
  const coding = body.length < encodedBytesMin ? undefined : codingFor(request)
  const bytes = coding ? await cache.encoded(held, coding) : body
  if (coding) {
    response.set('Content-Encoding', coding)
  }
  response.type('application/json; charset=utf-8').send(bytes)
}

function codingFor(request: Request): Coding | undefined {
  const accepted = request.acceptsEncodings()
  return codings.find((coding) => accepted.includes(coding))
}

const forwarded = {
  absent: 'miss',
  changed: 'stale',
  expired: 'stale',
  bypass: 'request',
  off: 'bypass',
} as const

/** How the answer came about (RFC 9211), the tier nearest the database first. Served stale, its remaining life is negative.
 *  Operators are told the key and why. */
function describe(
  response: Response,
  served: Served,
  { isOperator, hasRedis }: { readonly isOperator: boolean; readonly hasRedis: boolean },
): void {
  const { held, outcome, tier, reason = 'absent', ttlSeconds, ageSeconds } = served
  const collapsed = served.isCollapsed ? '; collapsed' : ''
  const stored = served.isStored ? '; stored' : ''
  const told = isOperator
    ? `; key="${hash('sha256', held.key, 'base64url').slice(0, 22)}"; detail=${outcome === 'miss' ? reason : outcome}`
    : ''
  const miss = `fwd=${forwarded[reason]}${stored}`
  const members =
    outcome === 'miss'
      ? [...(hasRedis ? [`redis; ${miss}`] : []), `memory; ${miss}${collapsed}${told}`]
      : tier === 'redis'
        ? [`redis; hit; ttl=${ttlSeconds}`, `memory; fwd=miss; stored${collapsed}${told}`]
        : [`memory; hit; ttl=${ttlSeconds}${collapsed}${told}`]
  response.set('Cache-Status', members.join(', '))
  if (outcome !== 'miss') {
    response.set('Age', String(ageSeconds))
  }
}
