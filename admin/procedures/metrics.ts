import { z } from 'zod'
import { askFigures, type Replies } from '#platform/cache/ask-caches'
import { problems } from '#platform/cache/problems'
import { repeatedStatement } from '#platform/database/repeated-statements'
import { slowStatement } from '#platform/database/slow-statements'
import { spentBudget } from '#platform/database/statement-budgets'
import { errorBudgets } from '#platform/metrics/objectives'
import { metricsSnapshot } from '#platform/metrics/snapshot'
import { seriesPoint } from '#platform/metrics/series'
import { Problem } from '#platform/problem'
import { budgetsTogether, repeatedTogether, slowTogether } from '../statement-figures.ts'
import { adminProcedure, router } from '../trpc.ts'
import { baselines } from '../baselines.ts'

/** What the API processes measure, each asked now. Whoever has not answered within half a second is missing, and `answered`
 *  is below `known`; processes without a cache are not known. */
export const metrics = router({
  /** Each process at a glance, since it began: the numbers of its `/api/metrics`. */
  snapshot: adminProcedure.query(async ({ ctx }) =>
    each(await askFigures(ctx.slice, { about: 'snapshot' }, metricsSnapshot)),
  ),

  /** The last hour of each process at an interval of 15 seconds, the oldest first. */
  series: adminProcedure.query(async ({ ctx }) =>
    each(await askFigures(ctx.slice, { about: 'series' }, z.array(seriesPoint))),
  ),

  /** How much of the error budgets is used up: the last 5, 30 and 60 minutes of all API processes together. */
  slo: adminProcedure.query(async ({ ctx }) => {
    const replies = await askFigures(ctx.slice, { about: 'series' }, z.array(seriesPoint))
    return {
      ...askedOf(replies),
      objectives: errorBudgets(answersOf(replies), ctx.slice.clock.now()),
    }
  }),

  baselines,

  /** Statements that were slow in any process, those first that took most time in all. */
  slowQueries: adminProcedure.query(async ({ ctx }) => {
    const replies = await askFigures(ctx.slice, { about: 'slow' }, z.array(slowStatement))
    return { ...askedOf(replies), statements: slowTogether(answersOf(replies)) }
  }),

  /** How many statements the answers of each declared read cost, and how often more than they may, in all processes. */
  queryBudgets: adminProcedure.query(async ({ ctx }) => {
    const replies = await askFigures(ctx.slice, { about: 'budgets' }, z.array(spentBudget))
    return { ...askedOf(replies), routes: budgetsTogether(answersOf(replies)) }
  }),

  /** The plan of a slow statement for whatever values. Nothing of it is run. */
  plan: adminProcedure
    .input(z.strictObject({ fingerprint: z.string().regex(/^[\da-f]{12}$/) }))
    .query(async ({ ctx, input }) => {
      const asked = { about: 'plan', ...input } as const
      const replies = await askFigures(ctx.slice, asked, z.json())
      const [plan] = answersOf(replies)
      if (plan === undefined) {
        const [refusal = `None of ${replies.known} processes has answered.`] = replies.refusals
        throw new Problem(
          replies.answered > 0 ? problems.notKept : problems.nobodyAnswered,
          refusal,
        )
      }
      return { plan }
    }),

  /** Requests that sent one statement for each of many things, in any process. */
  nPlusOne: adminProcedure.query(async ({ ctx }) => {
    const replies = await askFigures(ctx.slice, { about: 'repeated' }, z.array(repeatedStatement))
    return { ...askedOf(replies), patterns: repeatedTogether(answersOf(replies)) }
  }),
})

const askedOf = ({ known, answered }: Replies<unknown>) => ({ known, answered })

const answersOf = <T>({ answers }: Replies<T>): readonly T[] => answers.map(({ answer }) => answer)

const each = <T>(replies: Replies<T>) => ({
  ...askedOf(replies),
  processes: replies.answers.map(({ process, answer }) => ({ process, figures: answer })),
})
