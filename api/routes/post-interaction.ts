import { z } from 'zod'
import { newInteractionSchema, problems, recordInteraction } from '#content'
import { defineWrite } from '../http/define-write.ts'

const outcome = z
  .object({
    /** False where all was so already: a second like, a view that was repeated within the hour. */
    isRecorded: z.boolean(),
    /** False for what is kept and counts for nothing: a second comment within the hour. */
    isCounted: z.boolean(),
  })
  .meta({ id: 'InteractionOutcome' })

/** `POST /api/v2/contents/:id/interactions`: what a member did with a content. The activity log has no line of it: interactions
 *  are a log of their own, and read below their member. */
export const postInteraction = defineWrite({
  operationId: 'postInteraction',
  summary: 'Take down what a member did with a content',
  method: 'post',
  path: '/contents/:id/interactions',
  scope: 'interactions:write',
  activity: 'interaction.recorded',
  body: newInteractionSchema,
  answer: { status: 200, data: outcome },
  problems: [
    problems.memberNeeded,
    problems.memberUnknown,
    problems.memberInactive,
    problems.memberForeign,
    problems.purchaseNotYours,
    problems.instantFuture,
    problems.instantPast,
  ],
  async write(tx, slice, { caller, body, id }) {
    const recorded = await recordInteraction(tx, slice, caller, { contentId: id, input: body })
    const json = JSON.stringify({ data: recorded })
    return { subjectId: undefined, status: 200, headers: {}, body: json }
  },
})
