import { TRPCError, tracked } from '@trpc/server'
import { z } from 'zod'
import { isAdminStill } from '#members'
import { adminProcedure, router } from '../trpc.ts'

/** What is going on now, as server-sent events. */
export const live = router({
  /** One message a second. Whoever comes back with the id of the last message (`Last-Event-ID`) is given those of the last
   *  minute that were missed. Ends when the token does, and after five minutes. */
  figures: adminProcedure
    .input(
      z
        .strictObject({
          lastEventId: z
            .string()
            .regex(/^\d{1,15}$/, 'must be the id of a message')
            .nullish(),
        })
        .optional(),
    )
    .subscription(async function* ({ ctx, input, signal }) {
      const { slice, admin } = ctx
      const stop = signal ?? new AbortController().signal
      for await (const { id, figures } of ctx.live.follow(input?.lastEventId ?? undefined, stop)) {
        if (!(await isAdminStill(slice.db, admin.tokenId))) {
          throw new TRPCError({ code: 'UNAUTHORIZED', message: 'The admin token has ended.' })
        }
        yield tracked(id, figures)
      }
    }),
})
