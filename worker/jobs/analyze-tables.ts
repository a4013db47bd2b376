import { z } from 'zod'
import {
  analyzeTable,
  listTableStatistics,
  type TableStatistics,
} from '#platform/database/table-statistics'
import { sqlState } from '#platform/database/transaction'
import type { Platform } from '#platform/platform'
import { defineJob } from '#platform/queue/define-job'
import { writeReport } from '#platform/reports/reports'

/** Looked after whatever their size; the others when they are big. */
const alwaysLookedAfter = [
  'payment_links',
  'payment_events',
  'fx_snapshots',
  'ledger_entries',
  'xero_syncs',
]
const rowsMin = 10_000
const monthMs = 30 * 24 * 3600 * 1000

/** Refreshes the planner's statistics of tables that autovacuum does not, or has not within a month in which they changed. */
export const analyzeTables = defineJob({
  queue: 'housekeeping',
  name: 'analyze-tables',
  payload: z.strictObject({}),
  attemptsMax: 3,
  backoffMs: 60_000,
  timeoutMs: 240_000,
  slowStatementMs: 10_000,
  concurrency: 1,
  whenGivenUp: 'dead-letter',
  async run(slice: Pick<Platform, 'db' | 'clock' | 'log'>, _payload, run) {
    const { db, clock } = slice
    const until = new Date(clock.now().getTime() - monthMs)
    const lookedAt = (await listTableStatistics(db)).filter(
      ({ table, rows }) => alwaysLookedAfter.includes(table) || rows >= rowsMin,
    )
    const tables = []
    for (const known of lookedAt) {
      run.signal.throwIfAborted()
      const reason = reasonFor(known, until)
      const error = reason === undefined ? undefined : await attempt(db, known.table)
      if (error !== undefined) {
        run.log.warn({ table: known.table, error }, 'table not analysed')
      }
      tables.push({ ...known, ...(reason && { reason }), ...(error && { error }) })
    }
    const failed = tables.filter(({ error }) => error !== undefined).length
    const analyzed = tables.filter(({ reason }) => reason !== undefined).length - failed
    const figures = { tables: tables.length, analyzed, failed }
    const report = { kind: 'statistics', figures, body: { tables } }
    await run.once((tx) => writeReport({ ...slice, db: tx }, report))
    return { rows: analyzed }
  },
})

/** Why a table is due; undefined when autovacuum takes care of it. */
function reasonFor(
  { isNeglected, analyzedAt, changedRows }: TableStatistics,
  until: Date,
): string | undefined {
  if (isNeglected) {
    return 'autovacuum is off'
  }
  if (analyzedAt === null) {
    return 'never analysed'
  }
  return changedRows > 0 && new Date(analyzedAt) < until
    ? 'changed, and not analysed for a month'
    : undefined
}

/** One table that is locked, or not ours, must not keep the others waiting for a month.  @returns what went wrong */
async function attempt(db: Platform['db'], table: string): Promise<string | undefined> {
  try {
    await analyzeTable(db, table)
    return undefined
  } catch (error) {
    const state = sqlState(error)
    if (state === undefined || !refusals.has(state)) {
      throw error
    }
    return state
  }
}

/** 55P03: locked; 42501: no right; 57014: took too long; 42P01: dropped meanwhile. */
const refusals = new Set(['55P03', '42501', '57014', '42P01'])
