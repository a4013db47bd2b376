import { z } from 'zod'
import {
  backfillFxRates,
  ensureRates,
  describeProviders,
  findRates,
  historyReaches,
  listBatches,
  providerNames,
  refreshRates,
} from '#fx'
import { findUsedAssets, requireOrganisation } from '#members'
import { newestReport } from '#platform/reports/reports'
import {
  currencyOfLink,
  getLinkForUpdate,
  repairLink,
  requoteSchema,
  settlementAssetsOf,
  unfrozenLink,
} from '#payments'
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

  snapshots: router({
    /** Links that lack their four frozen rates, as the worker reported them last; at most 100 are named. */
    missing: adminProcedure.query(async ({ ctx }) => {
      const report = await newestReport(ctx.slice.db, 'frozen-rates')
      return {
        reportedAt: report?.createdAt ?? null,
        lacking: report?.figures['lacking'] ?? 0,
        links: z.array(unfrozenLink).parse(report?.body['links'] ?? []),
      }
    }),
  }),

  /** Freezes four rates of now for a link that lacks its own and is not paid yet. The provider is asked first when what is
   *  known is too old. */
  repair: adminProcedure
    .input(requoteSchema.extend({ organisationId: z.uuid(), linkId: z.uuid() }))
    .mutation(async ({ ctx: { slice, audit }, input }) => {
      const { organisationId, linkId, allowStaleRates } = input
      await requireOrganisation(slice.db, organisationId)
      audit.note({ organisationId })
      const currency = await currencyOfLink(slice.db, { organisationId, linkId })
      const assets = await settlementAssetsOf(slice.db, organisationId)
      await ensureRates(slice.fx, currency, assets, { allowStale: allowStaleRates })
      return audit.change(async (tx) => {
        const link = await getLinkForUpdate(tx, { organisationId }, linkId)
        const before = await repairLink(tx, slice, link, { allowStaleRates })
        audit.note({ before: { rates: before }, after: { fxSetId: link.fxSetId } })
        return { linkId, fxSetId: link.fxSetId, ratesBefore: before }
      })
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
