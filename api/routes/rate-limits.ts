import { z } from 'zod'
import { identifyReader } from '../http/authenticate.ts'
import type { ReadRoute } from '../http/define-read.ts'
import { showTaken } from '../http/limit-request.ts'
import { parseQuery } from '../http/parse-query.ts'
import { addressOf } from '../http/remote-address.ts'
import { searchOf } from '../http/exchange.ts'

const count = z.int().min(0)

const limit = z.object({
  policy: z.string().meta({ description: 'Its name in `RateLimit` and `violated-policies`.' }),
  quota: count.meta({ description: 'Requests in any window.' }),
  windowSeconds: z.int().min(1),
  remaining: count.meta({ description: 'Requests that are possible now.' }),
  resetSeconds: count.meta({ description: 'Seconds until there are more; 0 when none was used.' }),
})

const query = z.object({})

/** `GET /api/v2/rate-limits`: the quotas of the caller and of its address. It counts against none of them, so that a client
 *  that waits can look; the answer is true for a moment and kept by nobody. */
export const rateLimits: ReadRoute = {
  method: 'get',
  operationId: 'listRateLimits',
  summary: 'Read the quotas of the caller and what is left of them',
  path: '/rate-limits',
  query,
  data: z.array(limit),
  isNeverKept: true,
  async handle(slice, request, response) {
    const caller = await identifyReader(slice, { request, response })
    showTaken(response, { ...slice.limits.lookFor(caller), isAllowed: true })
    parseQuery(searchOf(request), query)
    const data = slice.limits.list(caller, addressOf(request))
    const body = Buffer.from(JSON.stringify({ data }))
    response.set('Cache-Control', 'no-store').type('application/json; charset=utf-8').send(body)
  },
}
