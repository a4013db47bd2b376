import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'

const tracer = trace.getTracer('tidegate/http')

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
    span.updateName(`${method} ${route()}`)
    span.setAttributes({ 'http.route': route(), 'http.response.status_code': response.statusCode })
    if (response.statusCode >= 500 || !response.writableFinished) {
      span.setStatus({ code: SpanStatusCode.ERROR })
    }
    span.end()
  })
  context.with(trace.setSpan(parent, span), next)
}
