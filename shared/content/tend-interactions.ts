import { sql, type RawBuilder } from 'kysely'
import type { Clock } from '#platform/clock'
import type { Runner } from '#platform/database/database'

/** Months beyond the current one for which partitions are made: a worker may be away for as long before one is missed, and
 *  what has none is kept too. */
const monthsAhead = 3
/** Longer than interactions may come late. */
const hoursKeptHours = 48
const receiptsKeptHours = 7 * 24
const rollupsKeptHours = 90 * 24
const rowsPerBatch = 5_000

/** Makes the partitions of the months to come, and deletes what is remembered for a while only.
 *  @returns how many rows were deleted */
export async function tendInteractions(
  { db, clock }: { readonly db: Runner; readonly clock: Clock },
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<number> {
  const now = clock.now()
  for (let months = 0; months <= monthsAhead; months += 1) {
    await db.run(sql`
      select add_interaction_partition(
        (date_trunc('month', ${now}::timestamptz at time zone 'UTC') + make_interval(months => ${months}::integer))::date)`)
  }
  const before = (hours: number) =>
    sql`${now}::timestamptz - make_interval(hours => ${hours}::integer)`
  const stale = [
    ['interaction_hours', sql`hour < ${before(hoursKeptHours)}`, sql`hour`],
    ['interaction_receipts', sql`received_at < ${before(receiptsKeptHours)}`, sql`received_at`],
    ['interaction_rollups', sql`hour < ${before(rollupsKeptHours)}`, sql`hour`],
  ] as const
  let deleted = 0
  for (const [table, where, by] of stale) {
    deleted += await prune(db, { table, where, by, signal })
  }
  return deleted
}

type Prune = {
  readonly table: string
  readonly where: RawBuilder<unknown>
  readonly by: RawBuilder<unknown>
  readonly signal: AbortSignal | undefined
}

async function prune(db: Runner, { table, where, by, signal }: Prune): Promise<number> {
  for (let deleted = 0; ;) {
    signal?.throwIfAborted()
    const [batch] = await db.run(sql<{ count: number }>`
      with gone as (
        delete from ${sql.table(table)}
         where ctid = any (array(select ctid from ${sql.table(table)} where ${where} order by ${by} limit ${rowsPerBatch}))
        returning true)
      select count(*)::integer as count from gone`)
    deleted += batch?.count ?? 0
    if (!batch || batch.count < rowsPerBatch) {
      return deleted
    }
  }
}
