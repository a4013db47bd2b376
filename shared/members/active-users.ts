import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'

/** A member who was active lately. */
export type ActiveUser = { readonly memberId: string; readonly organisationId: string }

/** Who counts as active: seen within a month, as monthly active users are counted everywhere. */
const activeDays = 30
/** Rows of one statement. */
const batchMax = 500

type Row = ActiveUser & { readonly lastActiveAt: string }

/** Members who are active and were seen within 30 days, the latest first, at most `usersMax`. Reads them in batches by
 *  idx_members_last_active, each when the one before it is used up, so whoever stops early asks for no more. */
export async function* getActiveUsers(
  { db }: { readonly db: Runner },
  { at, usersMax }: { readonly at: Date; readonly usersMax: number },
): AsyncIterable<ActiveUser> {
  let last: Row | undefined
  for (let left = usersMax; left > 0; left -= batchMax) {
    const limit = Math.min(left, batchMax)
    const beyond = last
      ? sql`(last_active_at, id) < (${last.lastActiveAt}::timestamptz, ${last.memberId}::uuid)`
      : sql`true`
    const rows: readonly Row[] = await db.run(sql<Row>`
      select id as "memberId", organisation_id as "organisationId", last_active_at::text as "lastActiveAt"
        from members
       where status = 'active' and last_active_at >= ${sinceOf(at)}::timestamptz and ${beyond}
       order by last_active_at desc, id desc
       limit ${limit}`)
    yield* rows.map(({ memberId, organisationId }) => ({ memberId, organisationId }))
    last = rows.at(-1)
    if (rows.length < limit) {
      return
    }
  }
}

/** How many there are of them in all. Counts entries of idx_members_last_active. */
export async function countActiveUsers(
  { db }: { readonly db: Runner },
  { at }: { readonly at: Date },
): Promise<number> {
  const [row] = await db.run(sql<{ count: number }>`
    select count(*)::integer as count
      from members where status = 'active' and last_active_at >= ${sinceOf(at)}::timestamptz`)
  return row?.count ?? 0
}

const sinceOf = (at: Date): string =>
  new Date(at.getTime() - activeDays * 24 * 3600 * 1000).toISOString()
