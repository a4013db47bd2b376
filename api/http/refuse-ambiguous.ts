import type { RequestHandler } from 'express'
import { Problem } from '#platform/problem'
import { problems } from './problems.ts'

/** Headers that mean one thing. Node keeps the first of some and joins others; a proxy may read the last. */
const single = new Set(['host', 'authorization', 'content-type', 'idempotency-key'])

/** Refuses a request that says twice what can only be said once, or that names no host (RFC 9112, 3.2). */
export const refuseAmbiguous: RequestHandler = (request, _response, next) => {
  const seen = new Set<string>()
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index]?.toLowerCase() ?? ''
    if (single.has(name) && seen.has(name)) {
      throw new Problem(problems.requestMalformed, `The header ${name} came more than once.`)
    }
    seen.add(name)
  }
  if (!seen.has('host') && request.httpVersion === '1.1') {
    throw new Problem(problems.requestMalformed, 'The Host header is missing.')
  }
  next()
}
