import { z } from 'zod'
import { getReport, listReports } from '#platform/reports/reports'
import { adminProcedure, router } from '../trpc.ts'

const limitMax = 100
const reportId = z.string().regex(/^\d{1,18}$/, 'must be the id of a report, a number as text')
const kind = z.string().regex(/^[a-z]+(-[a-z]+)*$/, 'must be the kind of a report, like indexes')

/** What the worker found out: links without their rates, statistics, indexes, the week. */
export const reports = router({
  /** The newest first; the next page begins `before` the last id of this one. */
  list: adminProcedure
    .input(
      z
        .strictObject({
          kind: kind.exactOptional(),
          before: reportId.exactOptional(),
          limit: z.int().min(1).max(limitMax).default(20),
        })
        .prefault({}),
    )
    .query(({ ctx, input }) => listReports(ctx.slice.db, input)),

  /** One of them in full. */
  get: adminProcedure
    .input(z.strictObject({ id: reportId }))
    .query(({ ctx, input }) => getReport(ctx.slice.db, input.id)),
})
