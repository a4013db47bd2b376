import { isIP } from 'node:net'
import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import { exchange, type Answer, type Exchange } from './exchange.ts'
import { HttpFailure } from './http-failure.ts'
import {
  guardedLookup,
  isLoopback,
  isPublicAddress,
  resolveHost,
  type ResolveHost,
} from './public-address.ts'

/** Limits of one call; milliseconds. */
export type HttpLimits = {
  readonly connectTimeoutMs: number
  readonly headersTimeoutMs: number
  /** The whole call: every attempt, every pause and the body. */
  readonly totalTimeoutMs: number
  readonly attemptsMax: number
  /** A longer Retry-After is not waited for: the call fails at once and the host is left alone until then. */
  readonly retryAfterMsMax: number
}

/** Source: the fault matrix of the FX provider; a job that calls out ends within 10 s whatever the other side does. */
export const httpLimits: HttpLimits = {
  connectTimeoutMs: 2_000,
  headersTimeoutMs: 5_000,
  totalTimeoutMs: 10_000,
  attemptsMax: 3,
  retryAfterMsMax: 3_000,
}

export type HttpClientOptions = {
  readonly limits: HttpLimits
  /** The only hosts (`name` or `name:port`, as in the URL) that may be called; from configuration. */
  readonly hosts: readonly string[]
  /** Lets tests and laptops call plain http on this very machine. Never in production. */
  readonly allowsLoopback: boolean
}

/** Something that may refuse to run work, and learns from its failures: a circuit breaker. It sees one attempt at a
 *  time; answers below 500 reach it as success, since they say nothing about the other side's health. */
export type Guard = <T>(work: () => Promise<T>) => Promise<T>

export type HttpGet = {
  readonly url: string
  readonly mediaTypes: readonly string[]
  readonly bodyBytesMax: number
  readonly signal?: AbortSignal
  readonly guard?: Guard
}

export type HttpClient = {
  /** Fetches a document. Retries what another attempt can heal.  @throws {HttpFailure} */
  get(request: HttpGet): Promise<{ readonly text: string; readonly httpCalls: number }>
}

type Parts = { readonly clock: Clock; readonly random: Random; readonly resolve?: ResolveHost }

/** A client for documents of third parties that are not trusted to answer well, quickly, or at all.
 *  It remembers who asked to be left alone (Retry-After) and stays away until then. */
export function createHttpClient(options: HttpClientOptions, parts: Parts): HttpClient {
  const quietUntilMs = new Map<string, number>()
  const { clock } = parts
  return {
    async get(request) {
      const url = permittedUrl(request.url, options)
      const quietMs = (quietUntilMs.get(url.host) ?? 0) - clock.monotonicMs()
      if (quietMs > 0) {
        const wait = { retryAfterMs: quietMs }
        throw new HttpFailure('limited', `${url.host} asked for a pause that is not over`, wait)
      }
      try {
        return await attempts(toExchange(url, request, options, parts), request, options, parts)
      } catch (error) {
        if (error instanceof HttpFailure && error.retryAfterMs !== undefined) {
          quietUntilMs.set(url.host, clock.monotonicMs() + error.retryAfterMs)
        }
        throw error
      }
    },
  }
}

function toExchange(
  url: URL,
  request: HttpGet,
  { limits, allowsLoopback }: HttpClientOptions,
  { resolve = resolveHost }: Parts,
): Exchange {
  const isAllowed = (address: string): boolean =>
    isPublicAddress(address) || (allowsLoopback && isLoopback(address))
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0 && !isAllowed(host)) {
    throw new HttpFailure('address', `${host} is not a public address`)
  }
  const timeout = AbortSignal.timeout(limits.totalTimeoutMs)
  return {
    url,
    lookup: guardedLookup(isAllowed, resolve),
    mediaTypes: request.mediaTypes,
    bodyBytesMax: request.bodyBytesMax,
    connectTimeoutMs: limits.connectTimeoutMs,
    headersTimeoutMs: limits.headersTimeoutMs,
    signal: request.signal ? AbortSignal.any([request.signal, timeout]) : timeout,
  }
}

async function attempts(
  call: Exchange,
  { guard = (work) => work() }: HttpGet,
  { limits }: HttpClientOptions,
  { clock, random }: Parts,
): Promise<{ text: string; httpCalls: number }> {
  const startedMs = clock.monotonicMs()
  let failure: HttpFailure | undefined
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answer = await guard(async () => refuseServerError(await exchange(call), call, clock))
      return { text: refuseOtherStatus(answer, call, clock).text, httpCalls: attempt }
    } catch (error) {
      if (!(error instanceof HttpFailure)) {
        // The guard refuses: a second attempt then ends as the first one did.
        throw failure ?? error
      }
      failure = error
      error.httpCalls = error.reason === 'address' ? attempt - 1 : attempt
      const pauseMs = error.retryAfterMs ?? random.fraction() * Math.min(1_000, 50 * 2 ** attempt)
      const leftMs = limits.totalTimeoutMs - (clock.monotonicMs() - startedMs)
      const isWorthIt = isHealable(error) && attempt < limits.attemptsMax && pauseMs < leftMs
      if (!isWorthIt || pauseMs > limits.retryAfterMsMax) {
        throw error
      }
      await clock.sleep(pauseMs, call.signal).catch(() => Promise.reject(error))
    }
  }
}

/** A timeout is not tried again: the other side is there and slow, and a second request makes it slower. */
function isHealable({ reason, status = 0 }: HttpFailure): boolean {
  return reason === 'connection' || reason === 'limited' || (reason === 'status' && status >= 500)
}

function refuseServerError(answer: Answer, call: Exchange, clock: Clock): Answer {
  return answer.status >= 500 ? refuseOtherStatus(answer, call, clock) : answer
}

function refuseOtherStatus(answer: Answer, { url }: Exchange, clock: Clock): Answer {
  const { status, text } = answer
  if (status === 200) {
    return answer
  }
  const retryAfterMs = parseRetryAfter(answer.retryAfter, clock)
  const more = { status, body: text, retryAfterMs }
  const reason = status === 429 ? 'limited' : 'status'
  throw new HttpFailure(reason, `${url.host} answered ${status}`, more)
}

/** Longer pauses than a day are taken for a mistake of the other side. */
const pauseMsMax = 24 * 3600 * 1000

function parseRetryAfter(header: string | undefined, clock: Clock): number | undefined {
  if (header === undefined) {
    return undefined
  }
  const waitMs = /^\d{1,9}$/.test(header)
    ? Number(header) * 1000
    : Date.parse(header) - clock.now().getTime()
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), pauseMsMax)
}

function permittedUrl(text: string, { hosts, allowsLoopback }: HttpClientOptions): URL {
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '') {
    throw new HttpFailure('address', 'the configured address is not a plain URL')
  }
  const isLocal = /^(127\.[\d.]+|\[::1\]|localhost)$/.test(url.hostname)
  const isAllowed =
    url.protocol === 'https:' || (allowsLoopback && isLocal && url.protocol === 'http:')
  if (!isAllowed || !hosts.includes(url.host)) {
    throw new HttpFailure('address', `${url.host} is not a host that may be called`)
  }
  return url
}
