import { askAbout, askCount, askFigures, askStatistics, askWarm } from '#platform/cache/ask-caches'
import { invalidateEverything, invalidateTags } from '#platform/cache/invalidate'
import { lifetimesReply, warmSets } from '#platform/cache/remote-question'
import { listLifetimes, setLifetime, settableClasses } from '#platform/cache/set-lifetime'
import { cacheSecondsMax } from '#platform/resource/define-resource'
import { z } from 'zod'
import { costOf, statisticsByRoute, statisticsOf, warmedBy, whereabouts } from '../cache-figures.ts'
import {
  loggedTarget,
  readSchema,
  tagsOf,
  targetSchema,
  invalidationSchema,
  type Target,
} from '../cache-target.ts'
import { adminProcedure, router, type AdminSlice } from '../trpc.ts'

/** The caches of the API processes, seen and steered from here. They are asked through PostgreSQL; whoever has not answered
 *  within half a second is missing from the figures, and `answered` is below `known`. */
export const cache = router({
  /** What the caches hold and how they serve, all together and each. */
  stats: adminProcedure.query(async ({ ctx }) => statisticsOf(await askStatistics(ctx.slice))),

  /** How each route is served, all caches together. */
  statsByRoute: adminProcedure.query(async ({ ctx }) =>
    statisticsByRoute(await askStatistics(ctx.slice)),
  ),

  /** Where the answer to a URL is kept, what it was made from, and how long it will be served. */
  inspect: adminProcedure
    .input(readSchema)
    .query(async ({ ctx, input }) => whereabouts(await askAbout(ctx.slice, input))),

  /** What `invalidate` would cost, and changes nothing. */
  dryRun: adminProcedure.input(targetSchema).query(async ({ ctx, input }) => {
    const tags = await tagsIn(ctx.slice, input)
    const asked = tags === undefined ? ({ isEverything: true } as const) : { tags: [...tags] }
    return { ...(tags && { tags }), ...costOf(await askCount(ctx.slice, asked)) }
  }),

  /** Makes answers untrue in every process and in Redis, as a change in the database would: whoever reads a second later
   *  gets a new one, in the time of a catch-up as a rule. Everything at once has to be confirmed. */
  invalidate: adminProcedure.input(invalidationSchema).mutation(async ({ ctx, input }) => {
    const { slice, admin } = ctx
    const tags = await tagsIn(slice, input)
    const target = loggedTarget(input)
    ctx.audit.note({
      input: target,
      ...('organisationId' in input && { organisationId: input.organisationId }),
    })
    const answer = await ctx.audit.change(async (tx) => {
      await (tags === undefined ? invalidateEverything(tx) : invalidateTags(tx, tags))
      return tags === undefined ? { everything: true as const } : { tags }
    })
    slice.log.info({ adminTokenId: admin.tokenId, target }, 'cache invalidated on request')
    return answer
  }),

  /** How long answers live: what operators have set, and what each process goes by, which is so within 15 s. */
  ttls: adminProcedure.query(async ({ ctx: { slice } }) => {
    const { known, answered, answers } = await askFigures(
      slice,
      { about: 'lifetimes' },
      lifetimesReply,
    )
    const processes = answers.map(({ process, answer }) => ({ process, ...answer }))
    return { set: await listLifetimes(slice.db), known, answered, processes }
  }),

  /** Sets how long answers of a class live that are made from now on, or with null lets the setting hold again. No longer than
   *  changes are surely kept, for nothing older could be known to be true. */
  setTtl: adminProcedure
    .input(
      z.strictObject({
        class: z.enum(settableClasses),
        freshSeconds: z.int().min(1).max(cacheSecondsMax).nullable(),
      }),
    )
    .mutation(({ ctx: { audit, admin }, input }) =>
      audit.change(async (tx) => {
        const before = await setLifetime(tx, { ...input, updatedBy: admin.tokenId })
        audit.note({
          before: { freshSeconds: before },
          after: { freshSeconds: input.freshSeconds },
        })
        return input
      }),
    ),

  /** Has every process fetch a set of answers before somebody asks for them. Waits for nearly as long as a procedure may take;
   *  who has not answered by then goes on all the same. */
  warm: adminProcedure
    .input(z.strictObject({ set: z.enum(warmSets) }))
    .mutation(async ({ ctx, input: { set } }) => {
      const { slice, admin } = ctx
      slice.log.info({ adminTokenId: admin.tokenId, set }, 'cache warmed on request')
      const cachePatienceMs = Math.max(slice.cachePatienceMs, slice.deadlineMs - answerMs)
      return warmedBy(await askWarm({ ...slice, cachePatienceMs }, set))
    }),
})

/** What is left of a procedure's time to tell what was done. */
const answerMs = 1_000

const tagsIn = (slice: AdminSlice, target: Target): Promise<readonly string[] | undefined> =>
  tagsOf(target, async (named) => whereabouts(await askAbout(slice, named)).keys)
