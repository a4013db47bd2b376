import type { Request, Response } from 'express'
import type { Refuse } from '#platform/listen'
import { kinds, Problem, uriOf } from '#platform/problem'
import { currentTraceId, markFailed, traceParentOf } from '#platform/telemetry/spans'
import type { ApiSlice } from '../slice.ts'
import { exchangeOf } from './exchange.ts'
import { problems } from './problems.ts'
import { serverTiming } from './server-timing.ts'

/** Seconds after which a client may try again where nothing better is known. */
const retryAfterSeconds = '5'

/** Answers with `application/problem+json` (RFC 9457). `type` is a page of this API. */
export function sendProblem(
  { clock, baseUrl }: Pick<ApiSlice, 'clock' | 'baseUrl'>,
  { request, response }: { readonly request: Request; readonly response: Response },
  problem: Problem,
): void {
  const kind = kinds[problem.type.kind]
  const { requestId, startedMs } = exchangeOf(request)
  if (kind.http >= 500) {
    markFailed()
  }
  if (kind.job === 'retry' && kind.http === 503) {
    response.set('Retry-After', String(problem.facts['retryAfterSeconds'] ?? retryAfterSeconds))
  }
  if (kind.http === 401) {
    response.set('WWW-Authenticate', 'Bearer realm="tidegate"')
  }
  const document = describe(problem, { baseUrl, requestId, instance: request.path })
  response
    .status(kind.http)
    .set('Cache-Control', 'no-store')
    .set('Server-Timing', serverTiming(clock.monotonicMs() - startedMs, traceParentOf()))
    .type('application/problem+json')
    .send(Buffer.from(document))
}

const refusals = {
  400: { type: problems.requestMalformed, detail: 'This is not HTTP as the API reads it.' },
  408: { type: problems.requestTimeout, detail: 'The request did not arrive in time.' },
  431: { type: problems.headersTooLarge, detail: 'The request line and headers are too long.' },
  503: { type: problems.unavailable, detail: 'More connections are open than are served.' },
} as const

/** What is answered to something that never became a request: the same documents, with a request id of their own. */
export function refuseConnections({
  random,
  baseUrl,
}: Pick<ApiSlice, 'random' | 'baseUrl'>): Refuse {
  return (status) => {
    const requestId = `req_${random.uuid()}`
    const { type, detail } = refusals[status]
    return {
      headers: {
        'Content-Type': 'application/problem+json',
        'Cache-Control': 'no-store',
        'Request-Id': requestId,
        ...(status === 503 && { 'Retry-After': retryAfterSeconds }),
      },
      body: describe(new Problem(type, detail), { baseUrl, requestId }),
    }
  }
}

type Occurrence = {
  readonly baseUrl: string
  readonly requestId: string
  readonly instance?: string
}

function describe(problem: Problem, { baseUrl, requestId, instance }: Occurrence): string {
  const kind = kinds[problem.type.kind]
  const traceId = currentTraceId()
  return JSON.stringify({
    type: uriOf(baseUrl, problem.type),
    title: problem.type.title,
    status: kind.http,
    detail: problem.detail,
    instance,
    ...(problem.faults.length > 0 && { errors: problem.faults }),
    ...problem.facts,
    requestId,
    ...(traceId && { traceId }),
    retryable: kind.job === 'retry',
  })
}
