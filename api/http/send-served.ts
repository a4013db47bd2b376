import type { Request, Response } from 'express'
import { encodedBytesMin } from '#platform/cache/encodings'
import { sentHead } from '#platform/http/prepared-answer'
import { codings, type Coding } from '#platform/cache/held'
import { traceParentOf } from '#platform/telemetry/spans'
import type { ApiSlice } from '../slice.ts'
import type { Answered } from './cached-read.ts'
import { cacheStatusOf } from './cache-status.ts'
import { exchangeOf, isKnown } from './exchange.ts'
import { serverTiming } from './server-timing.ts'

/** Groups that one answer names at most: proxies have little room for headers. */
const groupsMax = 32

/** Sends a kept answer, or 304 when the client has exactly this. Caches on the way may keep it and must ask each time: what
 *  they gave without asking could be older than the caller's own write. */
export async function sendServed(
  slice: ApiSlice,
  exchanged: Exchanged,
  answered: Answered,
): Promise<void> {
  const { cache, clock } = slice
  const { request, response } = exchanged
  const { served, isOperator } = answered
  const { body, etag, tables } = served.held
  const hasRedis = cache.tiers === 'memory-and-redis'
  response.set('Cache-Status', cacheStatusOf(served, { isOperator, hasRedis }))
  if (served.outcome !== 'miss') {
    response.set('Age', String(served.ageSeconds))
  }
  response.set({ ETag: etag, 'Cache-Control': 'private, no-cache' })
  response.vary('Authorization').vary('Accept-Encoding')
  const groups = tables.filter((table) => table !== '').slice(0, groupsMax)
  if (groups.length > 0) {
    response.set('Cache-Groups', groups.map((group) => `"${group}"`).join(', '))
  }
  const coding = body.length < encodedBytesMin ? undefined : codingFor(request)
  const isUnchanged = isKnown(request.get('if-none-match') ?? '', etag)
  const bytes = isUnchanged ? undefined : coding ? await cache.encoded(served.held, coding) : body
  const totalMs = clock.monotonicMs() - exchangeOf(request).startedMs
  response.set('Server-Timing', serverTiming(totalMs, traceParentOf(), served))
  if (bytes === undefined) {
    response.status(304).end()
    record(slice, exchanged, answered, { coding })
    return
  }
  if (coding) {
    response.set('Content-Encoding', coding)
  }
  response.type('application/json; charset=utf-8').send(bytes)
  record(slice, exchanged, answered, { coding, bytes })
}

type Exchanged = { readonly request: Request; readonly response: Response }

/** What was served from memory to a caller is remembered for the edge. */
function record(
  { recordings, figures }: Pick<ApiSlice, 'recordings' | 'figures'>,
  { request, response }: Exchanged,
  { served, isOperator, read }: Answered,
  sent: { readonly coding: Coding | undefined; readonly bytes?: Buffer },
): void {
  const { caller, credential } = exchangeOf(request)
  const isFromMemory = served.outcome === 'hit' && served.tier === 'memory'
  const head = sentHead(response)
  if (!isFromMemory || isOperator || caller === undefined || head === undefined) {
    return
  }
  const status = sent.bytes ? 200 : 304
  const series = figures.series('GET', read.route, status)
  recordings.note(
    { headers: request.headers, url: request.originalUrl, caller, credential, read },
    { held: served.held, head, status, series, ...sent },
  )
}

function codingFor(request: Request): Coding | undefined {
  const accepted = request.acceptsEncodings()
  return codings.find((coding) => accepted.includes(coding))
}
