import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Cache } from '#platform/cache/cache'
import type { Served } from '#platform/cache/served'
import type { Clock } from '#platform/clock'
import { mayPrepare, sendPrepared } from '#platform/http/prepared-answer'
import { drawServerSpan } from '#platform/telemetry/serve-span'
import type { Sampling } from '#platform/telemetry/sampling'
import { recordDuration, type DurationSeries } from '#platform/telemetry/request-figures'
import { traceParentOf } from '#platform/telemetry/spans'
import { callerIn } from './http/authenticate.ts'
import { logAnswer } from './http/begin.ts'
import { cacheStatusOf } from './http/cache-status.ts'
import { isKnown } from './http/exchange.ts'
import type { Taken } from './http/limits.ts'
import { renderHead, type RecordedHead } from './http/recorded-head.ts'
import { variantOf, type RecordedRead } from './http/recordings.ts'
import { headersMax, isHungUp } from './http/refuse-ambiguous.ts'
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
  const { cache, clock, random, recordings, figures, requestIds } = slice
  const hasRedis = cache.tiers === 'memory-and-redis'
  const date = createDateField(clock)
  return (request, response) => {
    const startedMs = clock.monotonicMs()
    const known =
      isPlain(request) && mayPrepare(response)
        ? recordings.find(request.headers.authorization ?? '', request.url ?? '')
        : undefined
    const chosen = known && choose(slice, known, request.headers)
    if (!known || !chosen?.served) {
      return false
    }
    const { status, served, taken, head, body } = chosen
    const { route } = known.read
    const requestId = requestIds(request)
    const totalMs = clock.monotonicMs() - startedMs
    const took = { startedMs, durationMs: totalMs }
    const span = drawServerSpan(request, { sampling, random, route, status, ...took })
    const text = renderHead(head, {
      Date: date(startedMs),
      'Request-Id': requestId,
      'Cache-Status': cacheStatusOf(served, { isOperator: false, hasRedis }),
      Age: String(served.ageSeconds),
      'RateLimit-Policy': taken.policyHeader,
      RateLimit: taken.limitHeader,
      'Server-Timing': serverTiming(totalMs, span && traceParentOf(span), served),
    })
    sendPrepared(response, { status, head: text, body })
    figures.countEdge()
    recordDuration(head.series, totalMs / 1_000)
    span?.end(clock.monotonicMs())
    logAnswer(slice, { request, response, requestId, startedMs, route: () => route })
    return true
  }
}

/** What there is to send, when all that Express went by is as it was. Asked last: the limit counts what it lets through. */
function choose(
  { cache, recordings, limits }: Pick<ApiSlice, 'cache' | 'recordings' | 'limits'>,
  known: RecordedRead,
  headers: IncomingHttpHeaders,
): Chosen | undefined {
  const variant = known.variants.get(variantOf(headers))
  if (variant === undefined) {
    return undefined
  }
  let chosen: Chosen | undefined
  const served = cache.peek(known.read, (held) => {
    const { 'if-none-match': validators } = headers
    const isUnchanged = validators !== undefined && isKnown(validators, held.etag)
    const status = isUnchanged ? 304 : 200
    const head = variant.heads[status]
    const body = isUnchanged ? undefined : recordings.bodyOf(held, variant.coding)
    const isThere = head !== undefined && (isUnchanged || body !== undefined)
    if (held !== known.held() || !isThere || !isStillCaller(cache, known)) {
      return false
    }
    const taken = limits.takeFor(known.caller)
    chosen = { status, head, body, taken, served: undefined }
    return taken.isAllowed
  })
  if (chosen) {
    chosen.served = served
  }
  return chosen
}

/** Whether the caller is the one that Express knew, by the verdict as it stands now. */
const isStillCaller = (cache: Cache, known: RecordedRead): boolean =>
  cache.peek(known.credential, (verdict) => callerIn(verdict) === known.caller) !== undefined

type Chosen = {
  readonly status: 200 | 304
  readonly head: RecordedHead & { readonly series: DurationSeries }
  readonly body: Buffer | undefined
  readonly taken: Taken
  served: Served | undefined
}

/** The field `Date`, made once a second. */
function createDateField(clock: Pick<Clock, 'now'>): (nowMs: number) => string {
  let text = ''
  let untilMs = -Infinity
  return (nowMs) => {
    if (nowMs >= untilMs) {
      const now = clock.now()
      text = now.toUTCString()
      untilMs = nowMs + 1_000 - now.getMilliseconds()
    }
    return text
  }
}

/** Headers that Express answers in another way, or must look at itself. */
const decisive: ReadonlySet<string> = new Set([
  'consistency-token',
  'content-length',
  'expect',
  'operator-authorization',
  'transfer-encoding',
])
/** Those and the ones that may come only once, by length: names are compared only where they could be one of them. */
const single: ReadonlySet<string> = new Set(['host', 'authorization'])
const lengths: ReadonlySet<number> = new Set([...decisive, ...single].map(({ length }) => length))

/** A GET of HTTP/1.1 with nothing about it that only Express knows how to take. */
function isPlain({ method, httpVersion, rawHeaders, headers, socket }: IncomingMessage): boolean {
  if (method !== 'GET' || httpVersion !== '1.1' || rawHeaders.length > 2 * headersMax) {
    return false
  }
  let singleCount = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const written = rawHeaders[index] ?? ''
    if (lengths.has(written.length)) {
      const name = written.toLowerCase()
      if (decisive.has(name)) {
        return false
      }
      singleCount += single.has(name) ? 1 : 0
    }
  }
  const hasBoth = headers.host !== undefined && headers.authorization !== undefined
  return hasBoth && singleCount === single.size && !hasToken(headers) && !isHungUp(socket)
}

const hasToken = ({ cookie }: IncomingHttpHeaders): boolean =>
  cookie?.includes('consistency-token') === true
