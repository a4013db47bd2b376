import type { Request, RequestHandler } from 'express'
import { Problem } from '#platform/problem'
import { problems } from './problems.ts'

/** Headers that mean one thing. Node keeps the first of some and joins others; a proxy may read the last. */
const single = new Set(['host', 'authorization', 'content-type', 'idempotency-key'])

/** More are refused: each costs every layer something, and Node hides those beyond 2,000 from us. */
const headersMax = 100

/** Connections that were told so; Node hands over what came along in the same packet all the same. */
const hungUp = new WeakSet<Request['socket']>()

const malformed = (detail: string): Problem => new Problem(problems.requestMalformed, detail)
const afterRefusal = (): Problem => malformed('An earlier request on this connection was refused.')

/** Refuses a request that says twice what can only be said once, that names no host (RFC 9112, 3.2), or whose version has
 *  no such headers; and hangs up, since a proxy in front may not agree about where the next one begins. */
export const refuseAmbiguous: RequestHandler = (request, response, next) => {
  const problem = hungUp.has(request.socket) ? afterRefusal() : ambiguityOf(request)
  if (problem) {
    hungUp.add(request.socket)
    response.set('Connection', 'close')
    throw problem
  }
  next()
}

function ambiguityOf({ rawHeaders, headers, httpVersion }: Request): Problem | undefined {
  if (rawHeaders.length > headersMax * 2) {
    return new Problem(problems.headersTooLarge, `There are more than ${headersMax} headers.`)
  }
  const seen = new Set<string>()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? ''
    if (single.has(name) && seen.has(name)) {
      return malformed(`The header ${name} came more than once.`)
    }
    seen.add(name)
  }
  if (httpVersion !== '1.1' && httpVersion !== '1.0') {
    return malformed('The version of HTTP is not 1.1 or 1.0.')
  }
  if (httpVersion === '1.0' && headers['transfer-encoding'] !== undefined) {
    return malformed('HTTP/1.0 has no Transfer-Encoding.')
  }
  return !seen.has('host') && httpVersion === '1.1'
    ? malformed('The Host header is missing.')
    : undefined
}
