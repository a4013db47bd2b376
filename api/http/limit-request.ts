import type { RequestHandler, Response } from 'express'
import { Problem } from '#platform/problem'
import type { ApiSlice } from '../slice.ts'
import type { Taken } from './limits.ts'
import { problems } from './problems.ts'
import { addressOf } from './remote-address.ts'

/** Says in the answer what was taken, the policy first; the one place that does.
 *  @throws {Problem} http/quota-exceeded when nothing was left */
export function showTaken(response: Response, taken: Taken): void {
  const { isAllowed, policyHeader, limitHeader, violated } = taken
  if (policyHeader !== undefined) {
    response.set('RateLimit-Policy', policyHeader)
    response.set('RateLimit', limitHeader)
  }
  if (isAllowed || violated === undefined) {
    return
  }
  response.set('Retry-After', String(violated.resetSeconds))
  throw new Problem(
    problems.quotaExceeded,
    `The quota ${violated.policy} is used up; there is room again in ${violated.resetSeconds} s.`,
    { facts: { 'violated-policies': [violated.policy] } },
  )
}

/** Counts requests for what is served without a credential against their address. */
export function limitAnonymous({ limits }: Pick<ApiSlice, 'limits'>): RequestHandler {
  return (request, response, next) => {
    if (request.method !== 'OPTIONS') {
      showTaken(response, limits.takeForAddress(addressOf(request)))
    }
    next()
  }
}
