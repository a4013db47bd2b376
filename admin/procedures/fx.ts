import { z } from 'zod'
import {
  backfillFxRates,
  describeProviders,
  findRates,
  historyReaches,
  listBatches,
  providerNames,
  refreshRates,
} from '#fx'
import { findUsedAssets } from '#members'
import { adminProcedure, router } from '../trpc.ts'

const assetCode = z.string().regex(/^[A-Z0-9]{2,10}$/, 'must be the code of an asset, like GBP')
const quotesMax = 50
const batchesMax = 100

/** Exchange rates as the product sees them now, how their providers stand, and asking them at once. */
export const fx = router({
  /** The rates that a link created now would get; a pair without any is left out. */
  rates: adminProcedure
    .input(z.strictObject({ base: assetCode, quotes: z.array(assetCode).min(1).max(quotesMax) }))
    .query(({ ctx, input }) => {
      const { db, clock, fx: rates } = ctx.slice
      return findRates({ db }, { ...input, providers: rates.options.providers, at: clock.now() })
    }),

  /** How each configured provider stands: when it last answered and failed, the age of its rates, its circuit, its quota,
   *  and when it is asked next. */
  providers: adminProcedure.query(async ({ ctx }) => {
    const { db, fx: rates } = ctx.slice
    return describeProviders(rates, await findUsedAssets({ db }))
  }),

  /** The newest batches, also of providers that are no longer configured. `before` is the last id of the page before. */
  batches: adminProcedure
    .input(
      z
        .strictObject({
          provider: z.enum(providerNames),
          limit: z.int().min(1).max(batchesMax).default(20),
          before: z.uuid(),
        })
        .partial({ provider: true, before: true })
        .prefault({}),
    )
    .query(async ({ ctx, input: { provider, limit, before } }) => {
      const providers = provider === undefined ? providerNames : [provider]
      return { batches: await listBatches(ctx.slice, { providers, limit, before }) }
    }),

  /** Asks every provider and waits for what they say, whatever their schedule; their quotas and pauses are kept. Concurrent
   *  calls share one answer. */
  fetchNow: adminProcedure.mutation(async ({ ctx, signal }) => {
    const { db, fx: rates, log } = ctx.slice
    const wanted = await findUsedAssets({ db })
    const results = await refreshRates(rates, { wanted, ...(signal && { signal }) })
    const { tokenId } = ctx.admin
    log.info({ adminTokenId: tokenId, results }, 'exchange rates fetched on request')
    return results
  }),

  /** Has the worker fetch the history; `fx.batches` and the job's runs show how far it is. Asked twice, it runs once. */
  backfill: adminProcedure
    .input(z.strictObject({ reach: z.enum(historyReaches) }))
    .mutation(async ({ ctx, input }) => {
      const { queues, log } = ctx.slice
      const jobId = await queues.enqueue(backfillFxRates, input, {
        key: `backfill-fx-${input.reach}`,
      })
      log.info({ adminTokenId: ctx.admin.tokenId, jobId, ...input }, 'history of rates requested')
      return { jobId }
    }),
})
