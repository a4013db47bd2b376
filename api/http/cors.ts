import type { RequestHandler } from 'express'

/** What a browser's script may read of an answer; without this list it sees almost no header. */
const exposed = [
  'ETag',
  'Age',
  'Cache-Status',
  'Cache-Groups',
  'Consistency-Token',
  'Link',
  'Location',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'Request-Id',
  'Server-Timing',
  'Deprecation',
  'Sunset',
  'Idempotent-Replayed',
].join(', ')

/** Cross-origin access for exactly the configured origins. No origin is ever reflected; credentials are bearer tokens,
 *  so cookies are never allowed along. */
export function cors(origins: readonly string[]): RequestHandler {
  const allowed = new Set(origins)
  return (request, response, next) => {
    response.vary('Origin')
    const origin = request.get('origin')
    const isAllowed = origin !== undefined && allowed.has(origin)
    if (isAllowed) {
      response.set({
        'Access-Control-Allow-Origin': origin,
        'Access-Control-Expose-Headers': exposed,
        'Timing-Allow-Origin': origin,
      })
    }
    const isPreflight =
      request.method === 'OPTIONS' && request.get('access-control-request-method') !== undefined
    if (!isPreflight) {
      next()
      return
    }
    if (isAllowed) {
      response.set({
        'Access-Control-Allow-Methods': 'GET, HEAD, POST, PATCH, DELETE',
        'Access-Control-Allow-Headers':
          'Authorization, Content-Type, Consistency-Token, Idempotency-Key, If-Match, If-None-Match, traceparent, tracestate',
        'Access-Control-Max-Age': '7200',
      })
    }
    response.status(204).end()
  }
}
