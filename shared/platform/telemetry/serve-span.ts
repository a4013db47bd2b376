import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Span,
} from '@opentelemetry/api'
import { asDrawn, type Sampling } from './sampling.ts'

const tracer = trace.getTracer('tidegate/http')

/** The span of a request that is answered at once, or nothing where it is not to be recorded: that is decided before there
 *  is anything to pay for.
 *  @param fraction a random number in [0, 1) */
export function drawServerSpan(
  { method = 'GET', headers }: IncomingMessage,
  { ratio, isParentBased }: Sampling,
  fraction: () => number,
): Span | undefined {
  const given = headers['traceparent']
  const flags = typeof given === 'string' ? traceParentPattern.exec(given)?.[1] : undefined
  const isDecided = flags !== undefined && isParentBased
  const isWanted = isDecided ? (Number.parseInt(flags, 16) & 1) === 1 : fraction() < ratio
  if (!isWanted) {
    return undefined
  }
  const parent = flags === undefined ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, headers)
  const attributes = { 'http.request.method': method }
  const options = { kind: SpanKind.SERVER, attributes }
  return tracer.startSpan(method, options, isDecided ? parent : asDrawn(parent))
}

const traceParentPattern = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-([\da-f]{2})$/

/** Ends it with what is known of the answer. */
export function endServerSpan(span: Span, method: string, route: string, status: number): void {
  span.updateName(`${method} ${route}`)
  span.setAttributes({ 'http.route': route, 'http.response.status_code': status })
  if (status >= 500) {
    span.setStatus({ code: SpanStatusCode.ERROR })
  }
  span.end()
}

/** Runs `next` inside a server span that ends with the response.
 *  By hand, because the HTTP and Express instrumentations cost half the throughput even when they sample nothing.
 *  `route` is asked when the answer is out: the template of the path, never the path itself. */
export function serveSpan(
  served: {
    readonly request: IncomingMessage
    readonly response: ServerResponse
    readonly route: () => string
  },
  next: () => void,
): void {
  const { request, response, route } = served
  const method = request.method ?? 'GET'
  const parent = request.headers['traceparent']
    ? propagation.extract(ROOT_CONTEXT, request.headers)
    : ROOT_CONTEXT
  const attributes = { 'http.request.method': method }
  const span = tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent)
  response.once('close', () => {
    if (!response.writableFinished) {
      span.setStatus({ code: SpanStatusCode.ERROR })
    }
    endServerSpan(span, method, route(), response.statusCode)
  })
  context.with(trace.setSpan(parent, span), next)
}
