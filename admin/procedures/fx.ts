import { z } from 'zod'
import { findRates, refreshRates } from '#fx'
import { adminProcedure, router } from '../trpc.ts'

const assetCode = z.string().regex(/^[A-Z0-9]{2,10}$/, 'must be the code of an asset, like GBP')
const quotesMax = 50

/** Exchange rates as the product sees them now, and asking the providers at once. */
export const fx = router({
  /** The rates that a link created now would get; a pair without any is left out. */
  rates: adminProcedure
    .input(z.strictObject({ base: assetCode, quotes: z.array(assetCode).min(1).max(quotesMax) }))
    .query(({ ctx, input }) => {
      const { db, clock, fx: rates } = ctx.slice
      return findRates({ db }, { ...input, providers: rates.options.providers, at: clock.now() })
    }),

  /** Asks every provider and waits for what they say. Concurrent calls share one answer. */
  fetchNow: adminProcedure.mutation(async ({ ctx, signal }) => {
    const results = await refreshRates(ctx.slice.fx, signal ? { signal } : {})
    const { tokenId } = ctx.admin
    ctx.slice.log.info({ adminTokenId: tokenId, results }, 'exchange rates fetched on request')
    return results
  }),
})
