import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Held } from '#platform/cache/held'
import { drawServerSpan, endServerSpan } from '#platform/telemetry/serve-span'
import type { Sampling } from '#platform/telemetry/sampling'
import { recordDuration } from '#platform/telemetry/request-figures'
import { recordedTraceParent } from '#platform/telemetry/spans'
import { callerIn } from './http/authenticate.ts'
import { logAnswer } from './http/begin.ts'
import { cacheStatusOf } from './http/cache-status.ts'
import { isKnown } from './http/exchange.ts'
import { variantOf, type RecordedHead, type RecordedRead } from './http/recordings.ts'
import { serverTiming } from './http/server-timing.ts'
import type { ApiSlice } from './slice.ts'

/**
 * Sends kept answers before routing. Express is the one definition of what is answered: what it sent to a request that was
 * served from memory is remembered (http/recordings.ts), and sent again to the same request of the same caller, as long as
 * the credential and the answer are still what they were. Everything else is left to Express, which then decides anew; so
 * there is no rule here that could differ from those there.
 *
 * Rejected: a second router that builds heads itself, which would have to be kept equal by hand.
 */
export function createEdge(
  slice: ApiSlice,
  sampling: Sampling,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const { cache, clock, random, recordings, figures } = slice
  const hasRedis = cache.tiers === 'memory-and-redis'

  /** Whether the caller is the one that Express knew, by the verdict as it stands now. */
  const isStillCaller = (known: RecordedRead): boolean =>
    cache.peek(known.credential, (verdict) => callerIn(verdict) === known.caller) !== undefined

  return (request, response) => {
    const startedMs = clock.monotonicMs()
    const { url = '', headers } = request
    const known = isPlain(request) ? recordings.find(headers.authorization ?? '', url) : undefined
    const variant = known?.variants.get(variantOf(headers))
    if (known === undefined || variant === undefined) {
      return false
    }
    const chosen: Chosen = { status: 200, head: undefined, body: undefined }
    const served = cache.peek(known.read, (held) => {
      if (held !== known.held()) {
        return false
      }
      const { 'if-none-match': validators } = headers
      chosen.status = validators !== undefined && isKnown(validators, held.etag) ? 304 : 200
      chosen.head = variant.heads[chosen.status]
      chosen.body = chosen.status === 200 ? recordings.bodyOf(held, variant.coding) : noBody
      return chosen.head !== undefined && chosen.body !== undefined && isStillCaller(known)
    })
    const { status, head, body } = chosen
    if (served === undefined || head === undefined || body === undefined) {
      return false
    }
    const requestId = `req_${random.uuid()}`
    const span = drawServerSpan(request, sampling, () => random.fraction())
    put(head, 'Request-Id', requestId)
    put(head, 'Cache-Status', cacheStatusOf(served, { isOperator: false, hasRedis }))
    put(head, 'Age', String(served.ageSeconds))
    const totalMs = clock.monotonicMs() - startedMs
    put(head, 'Server-Timing', serverTiming(served, totalMs, span && recordedTraceParent(span)))
    response.writeHead(status, head.pairs)
    response.end(body)
    const { route } = known.read
    figures.countEdge()
    recordDuration(head.series, (clock.monotonicMs() - startedMs) / 1_000)
    if (span) {
      endServerSpan(span, 'GET', route, status)
    }
    logAnswer(slice, { request, response, requestId, startedMs, route: () => route })
    return true
  }
}

type Chosen = {
  status: 200 | 304
  head: RecordedHead | undefined
  body: Held['body'] | undefined
}

const noBody = Buffer.alloc(0)

function put(head: RecordedHead, name: keyof RecordedHead['places'], value: string): void {
  const place = head.places[name]
  if (place >= 0) {
    head.pairs[place] = value
  }
}

/** What a request may carry that Express answers in another way, or must look at itself. */
const decisive: ReadonlySet<string> = new Set([
  'consistency-token',
  'content-length',
  'expect',
  'operator-authorization',
  'transfer-encoding',
])

/** A GET of HTTP/1.1 with nothing about it that only Express knows how to take: each header once, no body. */
function isPlain({ method, httpVersion, headers, rawHeaders }: IncomingMessage): boolean {
  if (method !== 'GET' || httpVersion !== '1.1' || headers.authorization === undefined) {
    return false
  }
  let count = 0
  for (const name in headers) {
    if (decisive.has(name)) {
      return false
    }
    count += 2
  }
  return count === rawHeaders.length && headers.host !== undefined && !hasToken(headers)
}

const hasToken = ({ cookie }: IncomingHttpHeaders): boolean =>
  cookie?.includes('consistency-token') === true
