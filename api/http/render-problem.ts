import type { Request, Response } from 'express'
import { kinds, type Problem } from '#platform/problem'
import { currentTraceId } from '#platform/telemetry/spans'
import { exchangeOf } from './exchange.ts'

/** Seconds after which a client may try again where nothing better is known. */
const retryAfterSeconds = '5'

/** Answers with `application/problem+json` (RFC 9457). `type` is a page of this API. */
export function sendProblem(
  { request, response, baseUrl }: { request: Request; response: Response; baseUrl: string },
  problem: Problem,
): void {
  const kind = kinds[problem.type.kind]
  const isRetryable = kind.job === 'retry'
  const { requestId } = exchangeOf(request)
  const traceId = currentTraceId()
  const document = {
    type: `${baseUrl}/problems/${problem.type.slug}`,
    title: problem.type.title,
    status: kind.http,
    detail: problem.detail,
    instance: request.path,
    ...(problem.faults.length > 0 && { errors: problem.faults }),
    ...problem.facts,
    requestId,
    ...(traceId && { traceId }),
    retryable: isRetryable,
  }
  if (isRetryable && kind.http === 503) {
    response.set('Retry-After', String(problem.facts['retryAfterSeconds'] ?? retryAfterSeconds))
  }
  if (kind.http === 401) {
    response.set('WWW-Authenticate', 'Bearer realm="tidegate"')
  }
  response
    .status(kind.http)
    .set('Cache-Control', 'no-store')
    .type('application/problem+json')
    .send(Buffer.from(JSON.stringify(document)))
}
