import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Served } from '#platform/cache/served'
import type { Clock } from '#platform/clock'
import { mayPrepare, sendPrepared } from '#platform/http/prepared-answer'
import { drawServerSpan, endServerSpan } from '#platform/telemetry/serve-span'
import type { Sampling } from '#platform/telemetry/sampling'
import { recordDuration, type DurationSeries } from '#platform/telemetry/request-figures'
import { recordedTraceParent } from '#platform/telemetry/spans'
import { callerIn } from './http/authenticate.ts'
import { logAnswer } from './http/begin.ts'
import { cacheStatusOf } from './http/cache-status.ts'
import { isKnown } from './http/exchange.ts'
import type { Taken } from './http/limits.ts'
import { renderHead, type RecordedHead } from './http/recorded-head.ts'
import { variantOf, type RecordedRead } from './http/recordings.ts'
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
  const { cache, clock, random, recordings, figures, limits } = slice
  const hasRedis = cache.tiers === 'memory-and-redis'
  const date = createDateField(clock)

  /** Whether the caller is the one that Express knew, by the verdict as it stands now. */
  const isStillCaller = (known: RecordedRead): boolean =>
    cache.peek(known.credential, (verdict) => callerIn(verdict) === known.caller) !== undefined

  /** What there is to send, when all that Express went by is as it was. Asked last: the limit counts what it lets through. */
  function choose(known: RecordedRead, headers: IncomingHttpHeaders): Chosen | undefined {
    const variant = known.variants.get(variantOf(headers))
    let chosen: Chosen | undefined
    const served =
      variant &&
      cache.peek(known.read, (held) => {
        const { 'if-none-match': validators } = headers
        const isUnchanged = validators !== undefined && isKnown(validators, held.etag)
        const status = isUnchanged ? 304 : 200
        const head = variant.heads[status]
        const body = isUnchanged ? undefined : recordings.bodyOf(held, variant.coding)
        const isThere = head !== undefined && (isUnchanged || body !== undefined)
        if (held !== known.held() || !isThere || !isStillCaller(known)) {
          return false
        }
        const taken = limits.takeFor(known.caller)
        chosen = { status, head, body, taken }
        return taken.isAllowed
      })
    return served && chosen && { ...chosen, served }
  }

  return (request, response) => {
    const startedMs = clock.monotonicMs()
    const { url = '', headers } = request
    const known =
      isPlain(request) && mayPrepare(response)
        ? recordings.find(headers.authorization ?? '', url)
        : undefined
    const chosen = known && choose(known, headers)
    if (!known || !chosen?.served) {
      return false
    }
    const { status, served, taken, head, body } = chosen
    const requestId = `req_${random.uuid()}`
    const span = drawServerSpan(request, sampling, () => random.fraction())
    const totalMs = clock.monotonicMs() - startedMs
    const text = renderHead(head, {
      Date: date(startedMs),
      'Request-Id': requestId,
      'Cache-Status': cacheStatusOf(served, { isOperator: false, hasRedis }),
      Age: String(served.ageSeconds),
      'RateLimit-Policy': taken.policyHeader,
      RateLimit: taken.limitHeader,
      'Server-Timing': serverTiming(served, totalMs, span && recordedTraceParent(span)),
    })
    sendPrepared(response, { status, head: text, body })
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
  readonly status: 200 | 304
  readonly head: RecordedHead & { readonly series: DurationSeries }
  readonly body: Buffer | undefined
  readonly taken: Taken
  readonly served?: Served
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
