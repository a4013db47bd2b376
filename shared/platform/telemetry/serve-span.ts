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
import type { Random } from '../random.ts'
import { asDrawn, type Sampling } from './sampling.ts'

const tracer = trace.getTracer('tidegate/http')

/** The span of a request that is being answered, to be ended when it is; or nothing where it is not to be recorded: that is
 *  decided before there is anything to pay for, and what is known is given to it when it is made. */
export function drawServerSpan(
  { method = 'GET', headers }: IncomingMessage,
  answered: {
    readonly sampling: Sampling
    readonly random: Pick<Random, 'fraction'>
    /** A template, never a path. */
    readonly route: string
    readonly status: number
    /** When the request came, on the clock of `performance.now()`. */
    readonly startedMs: number
    /** What it took so far. */
    readonly durationMs: number
  },
): Span | undefined {
  const { sampling, random, route, status, startedMs, durationMs } = answered
  const given = headers['traceparent']
  const flags = typeof given === 'string' ? traceParentPattern.exec(given)?.[1] : undefined
  const isDecided = flags !== undefined && sampling.isParentBased
  const isWanted = isDecided
    ? (Number.parseInt(flags, 16) & 1) === 1
    : random.fraction() < sampling.ratio
  const isSlow = durationMs >= sampling.slowMs
  if (!isWanted && !isSlow) {
    return undefined
  }
  const parent = flags === undefined ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, headers)
  const attributes = {
    'http.request.method': method,
    'http.route': route,
    'http.response.status_code': status,
  }
  const options = { kind: SpanKind.SERVER, attributes, startTime: startedMs }
  return tracer.startSpan(`${method} ${route}`, options, asDrawn(parent))
}

const traceParentPattern = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-([\da-f]{2})$/

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
    const template = route()
    span.updateName(`${method} ${template}`)
    span.setAttribute('http.route', template)
    span.setAttribute('http.response.status_code', response.statusCode)
    if (response.statusCode >= 500) {
      span.setStatus({ code: SpanStatusCode.ERROR })
    }
    span.end()
  })
  context.with(trace.setSpan(parent, span), next)
}
