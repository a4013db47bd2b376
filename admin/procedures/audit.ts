import { z } from 'zod'
import { auditOutcomes, listAudit, verifyAudit } from '#members'
import { instantInput } from '#platform/instant-input'
import { adminProcedure, router } from '../trpc.ts'

const limitMax = 100

const recordId = z.string().regex(/^\d{1,18}$/, 'must be the id of a record, a number as text')

/** What operators did. The database lets nobody change it, and who does all the same leaves a broken chain. */
export const audit = router({
  /** The newest records first; the next page begins `before` the last id of this one. */
  list: adminProcedure
    .input(
      z
        .strictObject({
          procedure: z.string().max(100).exactOptional(),
          tokenId: z.uuid().exactOptional(),
          organisationId: z.uuid().exactOptional(),
          outcome: z.enum(auditOutcomes).exactOptional(),
          since: instantInput.exactOptional(),
          before: recordId.exactOptional(),
          limit: z.int().min(1).max(limitMax).default(20),
        })
        .prefault({}),
    )
    .query(async ({ ctx, input: { limit, ...filter } }) => {
      const records = await listAudit(ctx.slice.db, filter, limit + 1)
      return { records: records.slice(0, limit), hasMore: records.length > limit }
    }),

  /** Recomputes the chain of hashes, and names the first record at which it does not hold. `last`, kept elsewhere, shows later
   *  whether the end was taken away: give it as `since`, and only what came after it is recomputed. */
  verify: adminProcedure
    .input(
      z
        .strictObject({
          since: z
            .strictObject({ id: recordId, hash: z.string().regex(/^[\da-f]{64}$/) })
            .exactOptional(),
        })
        .prefault({}),
    )
    .query(({ ctx, input }) => verifyAudit(ctx.slice.db, input.since)),
})
