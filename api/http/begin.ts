import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Request, RequestHandler } from 'express'
import { metricsPathOf } from '#platform/metrics/metrics-handler'
import { recordDuration } from '#platform/telemetry/request-figures'
import { serveSpan } from '#platform/telemetry/serve-span'
import type { ApiSlice } from '../slice.ts'
import { beginExchange } from './exchange.ts'

type Slice = Pick<ApiSlice, 'clock' | 'log' | 'figures' | 'requestIds'> & {
  readonly db: Pick<ApiSlice['db'], 'watch'>
}

/** First of all handlers: gives the request an id, a server span, a place in the figures, a count of its statements and one
 *  log line when it is answered. */
export function begin(slice: Slice): RequestHandler {
  const { clock, db, figures, requestIds } = slice
  return (request, response, next) => {
    const exchange = { requestId: requestIds(request), startedMs: clock.monotonicMs() }
    const route = (): string => routeOf(request)
    beginExchange(request, exchange)
    response.set('Request-Id', exchange.requestId)
    const statements = db.watch.open(route)
    figures.begin()
    response.once('close', () => {
      const seconds = (clock.monotonicMs() - exchange.startedMs) / 1_000
      figures.end()
      statements.close()
      recordDuration(figures.series(request.method, route(), response.statusCode), seconds)
    })
    logAnswer(slice, { request, response, ...exchange, route })
    serveSpan({ request, response, route }, () => statements.run(next))
  }
}

/** Writes the line of a request once its answer is out, for somebody who looks at one day of one developer. */
export function logAnswer(
  { clock, log }: Pick<Slice, 'clock' | 'log'>,
  answered: {
    readonly request: IncomingMessage
    readonly response: ServerResponse
    readonly requestId: string
    readonly startedMs: number
    readonly route: () => string
  },
): void {
  if (!log.isLevelEnabled('debug')) {
    return
  }
  const { request, response, requestId, startedMs, route } = answered
  response.once('close', () => {
    const line = {
      requestId,
      method: request.method,
      route: route(),
      status: response.statusCode,
      isComplete: response.writableFinished,
      durationMs: Math.round((clock.monotonicMs() - startedMs) * 10) / 10,
    }
    log.debug(line, 'request answered')
  })
}

/** The template of the route that answered; a closed set, so that random paths make no new labels. */
function routeOf({ route, originalUrl }: Request): string {
  const path: unknown = route?.path
  return typeof path === 'string' ? path : (metricsPathOf(originalUrl) ?? '(unmatched)')
}
