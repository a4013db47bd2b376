import { describeCaller } from '#members'
import { Problem } from '#platform/problem'
import { problems } from '#platform/resource/problems'
import { identify } from '../http/authenticate.ts'
import { defineRead } from '../http/define-read.ts'
import { searchOf, sendJson } from '../http/exchange.ts'

/** `GET /api/v2/me`: who the credential is, for any that is good, and what it may do. */
export const me = defineRead({
  path: '/me',
  async handle({ db }, request, response) {
    const caller = await identify(db, request)
    const [name] = new URLSearchParams(searchOf(request)).keys()
    if (name !== undefined) {
      const faults = [{ detail: 'unknown parameter', pointer: `#/query/${name}` }]
      throw new Problem(problems.invalidQuery, 'This read takes no parameters.', { faults })
    }
    sendJson(request, response, `{"data":${await describeCaller(db, caller)}}`)
  },
})
