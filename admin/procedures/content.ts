import { z } from 'zod'
import {
  explainContent,
  recomputeContent,
  rollUpInteractions,
  scoringAhead,
  updateContentEngagementScores,
} from '#content'
import { adminProcedure, router } from '../trpc.ts'

const one = z.strictObject({ contentId: z.uuid() })

/** How contents are counted and scored, and why one has the score that it has. */
export const content = router({
  /** What a run would have to do now, and changes nothing. */
  dryRun: adminProcedure.query(({ ctx }) => scoringAhead(ctx.slice)),

  /** Folds new interactions into the counters and scores what is due; with `all` also what only aged. The same as the jobs do,
   *  at once. */
  run: adminProcedure
    .input(z.strictObject({ which: z.enum(['due', 'all']).default('due') }))
    .mutation(async ({ ctx, input: { which }, signal }) => {
      const { db, clock, log } = ctx.slice
      const stop = signal && { signal }
      const folded = await rollUpInteractions({ db }, { ...stop })
      const scored = await updateContentEngagementScores(
        { db },
        { at: clock.now(), which, ...stop },
      )
      log.info({ adminTokenId: ctx.admin.tokenId, folded, scored }, 'contents scored on request')
      return { folded, scored }
    }),

  /** Why a content has its score: counts, half-life, and every step from them to it. */
  explain: adminProcedure
    .input(one)
    .query(({ ctx, input }) => explainContent(ctx.slice, input.contentId)),

  /** Counts one content anew from the log of its interactions, scores it, and explains the score. */
  recompute: adminProcedure.input(one).mutation(async ({ ctx, input: { contentId } }) => {
    const { slice, admin } = ctx
    await recomputeContent(slice, contentId)
    slice.log.info({ adminTokenId: admin.tokenId, contentId }, 'content counted anew on request')
    return explainContent(slice, contentId)
  }),
})
