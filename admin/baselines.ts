import { z } from 'zod'
import { askFigures } from '#platform/cache/ask-caches'
import { slowStatement } from '#platform/database/slow-statements'
import {
  compareMoments,
  figuresTogether,
  getBaseline,
  keepBaseline,
  listBaselines,
  removeBaseline,
  type Moment,
} from '#platform/metrics/baselines'
import { metricsSnapshot } from '#platform/metrics/snapshot'
import { adminProcedure, router, type AdminSlice } from './trpc.ts'

const name = z.string().regex(/^[a-z\d][a-z\d.-]{0,63}$/, 'must be small letters, digits, - and .')
const listedMax = 100

/** Figures of a moment under a name: before a deployment, after a week. */
export const baselines = router({
  /** The newest hundred, the newest first. */
  list: adminProcedure.query(({ ctx }) => listBaselines(ctx.slice.db, listedMax)),

  /** Keeps what the API processes have measured since they began. */
  take: adminProcedure.input(z.strictObject({ name })).mutation(async ({ ctx, input }) => {
    const { slice, admin, audit } = ctx
    const moment = await measure(slice)
    return audit.change(async (tx) => {
      const taken = { by: admin.tokenId, at: slice.clock.now() }
      await keepBaseline(tx, { ...moment, ...input }, taken)
      return { ...input, ...moment }
    })
  }),

  remove: adminProcedure.input(z.strictObject({ name })).mutation(({ ctx, input }) =>
    ctx.audit.change(async (tx) => {
      ctx.audit.note({ before: await removeBaseline(tx, input.name) })
      return input
    }),
  ),

  /** Compares one with how it is now, or with another one: what is worse first, and the statements that became slow. */
  compare: adminProcedure
    .input(z.strictObject({ name, with: name.exactOptional() }))
    .query(async ({ ctx: { slice }, input }) => {
      const before = await getBaseline(slice.db, input.name)
      const after = await (input.with === undefined
        ? measure(slice)
        : getBaseline(slice.db, input.with))
      return { takenAt: before.takenAt, ...compareMoments(before, after) }
    }),
})

async function measure(slice: AdminSlice): Promise<Moment> {
  const [figures, slow] = await Promise.all([
    askFigures(slice, { about: 'snapshot' }, metricsSnapshot),
    askFigures(slice, { about: 'slow' }, z.array(slowStatement)),
  ])
  const statements = slow.answers.flatMap(({ answer }) => answer)
  return {
    figures: figuresTogether(figures.answers.map(({ answer }) => answer)),
    slow: [...new Set(statements.map(({ fingerprint }) => fingerprint))].toSorted(),
  }
}
