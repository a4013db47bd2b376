import { TRPCError } from '@trpc/server'
import { z } from 'zod'
import { otherReads } from '#migrations'
import { withExplain } from '#platform/database/explain'
import { judgePlan } from '#platform/database/judge-plan'
import { listIndexes, purposeOfIndex, scansCountedSince } from '#platform/database/indexes'
import { listScannedTables, listUnprobedKeys } from '#platform/database/missing-indexes'
import { readTableSizes, rowsFoundBy } from '#platform/database/rows-found'
import { analyzeTable, listTableStatistics } from '#platform/database/table-statistics'
import { adminProcedure, router } from '../trpc.ts'

const word = z.string().regex(/^[a-z_]\w{0,62}$/, 'must be a name as the lists give it')

/** What the database's indexes are worth. */
export const indexes = router({
  /** All of them, the biggest first, with how often each was used since scans are counted. */
  list: adminProcedure.query(async ({ ctx: { slice } }) => ({
    since: await scansCountedSince(slice.db),
    indexes: (await listIndexes(slice.db)).toSorted(
      (one, other) => other.sizeBytes - one.sizeBytes,
    ),
  })),

  /** Those that nothing used, and what each is there for as far as this process knows: declared reads are known to
   *  `npm run migrate -- analyze`, to be asked before anybody drops one. */
  unused: adminProcedure.query(async ({ ctx: { slice } }) => {
    const all = await listIndexes(slice.db)
    return {
      since: await scansCountedSince(slice.db),
      indexes: all
        .filter(({ scansCount }) => scansCount === 0)
        .toSorted((one, other) => other.sizeBytes - one.sizeBytes)
        .map((one) => {
          const keptFor = purposeOfIndex(one, otherReads[one.index]?.reader)
          return { ...one, ...(keptFor !== undefined && { keptFor }) }
        }),
    }
  }),

  /** Big tables that are read from end to end, and references that no index begins with. */
  missing: adminProcedure.query(async ({ ctx: { slice } }) => ({
    scannedTables: await listScannedTables(slice.db),
    foreignKeys: await listUnprobedKeys(slice.db),
  })),

  /** The reads that can be explained, by the index that each needs. */
  reads: adminProcedure.query(() =>
    Object.entries(otherReads).map(([index, { reader }]) => ({ index, reader })),
  ),

  /** The plan of such a read as it would be now, and what is wrong with it. Runs nothing. */
  explain: adminProcedure
    .input(
      z.strictObject({
        index: word.refine(
          (index) => Object.hasOwn(otherReads, index),
          'no read is known that needs it',
        ),
      }),
    )
    .query(async ({ ctx: { slice }, input: { index } }) => {
      const { reader = '', text = '' } = otherReads[index] ?? {}
      return withExplain(slice.db, async (explain, runner) => {
        const rowsFound = rowsFoundBy(explain, await readTableSizes(runner))
        return { reader, text, ...(await judgePlan(text, { explain, rowsFound })) }
      })
    }),

  /** Refreshes what the planner knows of a table, from a sample of it; nobody waits for it. All of them: `jobs.runNow`
   *  of `analyze-tables`. */
  analyze: adminProcedure
    .input(z.strictObject({ table: word }))
    .mutation(async ({ ctx, input }) => {
      const { db } = ctx.slice
      const tables = await listTableStatistics(db)
      if (!tables.some(({ table }) => table === input.table)) {
        throw new TRPCError({ code: 'NOT_FOUND', message: `There is no table ${input.table}.` })
      }
      await analyzeTable(db, input.table)
      return { table: input.table }
    }),
})
