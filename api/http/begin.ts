import type { RequestHandler } from 'express'
import { serveSpan } from '#platform/telemetry/serve-span'
import type { ApiSlice } from '../slice.ts'
import { beginExchange } from './exchange.ts'

/** First of all handlers: gives the request an id, a server span and one log line when it is answered. */
export function begin({
  clock,
  random,
  log,
}: Pick<ApiSlice, 'clock' | 'random' | 'log'>): RequestHandler {
  return (request, response, next) => {
    const exchange = { requestId: `req_${random.uuid()}`, startedMs: clock.monotonicMs() }
    beginExchange(request, exchange)
    response.set('Request-Id', exchange.requestId)
    response.once('close', () => {
      const line = {
        requestId: exchange.requestId,
        method: request.method,
        route: routeOf(request),
        status: response.statusCode,
        isComplete: response.writableFinished,
        durationMs: Math.round((clock.monotonicMs() - exchange.startedMs) * 10) / 10,
      }
      log.debug(line, 'request answered')
    })
    serveSpan({ request, response, route: () => routeOf(request) }, next)
  }
}

/** The template of the route that answered; a closed set, so that random paths make no new labels. */
function routeOf(request: { route?: { path?: unknown } }): string {
  const path = request.route?.path
  return typeof path === 'string' ? path : '(unmatched)'
}
