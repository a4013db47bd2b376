import { z } from 'zod'
import { findEvaluation } from '#content'
import { adminProcedure, router } from '../trpc.ts'

/** What recommendations are made from, and how well they foretell. */
export const recommendations = router({
  /** The model that serves an organisation, and how the last evaluation judged its ranking beside simpler ones: recall and NDCG
   *  of the first ten, of contents that members had not seen. What there is none of is left out. */
  evaluation: adminProcedure
    .input(z.strictObject({ organisationId: z.uuid() }))
    .query(({ ctx, input }) => findEvaluation(ctx.slice.db, input.organisationId)),
})
