import { z } from 'zod'
import { foldInterests, getRecommendations, problems, recommendation } from '#content'
import { invalidateTags } from '#platform/cache/invalidate'
import { Problem } from '#platform/problem'
import { problems as readProblems } from '#platform/resource/problems'
import { defineWrite } from '../http/define-write.ts'
import { limitDefault, memberOf, noMember, recommendationsTag } from './recommendations.ts'

/** `POST /api/v2/recommendations/refresh`: works out anew what the member is interested in, ends the lists that are kept for
 *  that member, and answers with the new one. */
export const refreshRecommendations = defineWrite({
  operationId: 'refreshRecommendations',
  summary: 'Make the recommendations of a member anew',
  method: 'post',
  path: '/recommendations/refresh',
  scope: 'interactions:write',
  activity: 'recommendations.refreshed',
  body: z.strictObject({ memberId: z.uuid().toLowerCase().optional() }),
  answer: { status: 200, data: z.array(recommendation) },
  problems: [problems.memberNeeded, readProblems.notFound],
  async write(tx, { clock }, { caller, body }) {
    const { organisationId } = caller
    const memberId = memberOf(caller, body.memberId)
    if (memberId === undefined) {
      throw new Problem(problems.memberNeeded, 'This key is nobody’s own.', {
        faults: [{ detail: 'needed with a key that is no member’s', pointer: '#/memberId' }],
      })
    }
    await foldInterests({ db: tx }, { organisationId, memberId })
    await invalidateTags(tx, [recommendationsTag(memberId)])
    const wanted = { organisationId, memberId, limit: limitDefault, excludesSeen: true }
    const found = await getRecommendations({ db: tx }, { ...wanted, at: clock.now() })
    if (found === undefined) {
      throw noMember()
    }
    return { subjectId: memberId, status: 200, headers: {}, body: `{"data":${found.body}}` }
  },
})
