import { sql, type RawBuilder } from 'kysely'
import type { Runner } from '../database/database.ts'

// What is over is deleted in batches, each a statement of its own that looks at no more than it deletes and passes over
// rows that somebody holds.

/** How many rows a statement may delete. */
type Batch = { readonly rowsMax: number }

/** Deletes answers that nobody is given any more. By the clock of the database, which decides that for readers too. */
export const pruneIdempotencyKeys = (db: Runner, { rowsMax }: Batch): Promise<number> =>
  count(
    db,
    sql`
    with due as materialized (
      select organisation_id, route, key from idempotency_keys
       where expires_at <= now() order by expires_at limit ${rowsMax} for update skip locked
    )
    delete from idempotency_keys as kept using due
     where kept.organisation_id = due.organisation_id and kept.route = due.route and kept.key = due.key`,
  )

/** Deletes runs that were completed before `completedUntil` or failed before `failedUntil`. The last completed run of each
 *  schedule stays, however old, for it says when that was last done; which those are costs one probe for each schedule, also where
 *  the planner knows nothing of the table (a look for a newer run, row by row, took the square of the rows). Whoever redelivers
 *  a job whose run is gone does it again, so runs are kept for longer than any queue remembers its jobs. */
export const pruneJobRuns = (
  db: Runner,
  {
    completedUntil,
    failedUntil,
    rowsMax,
  }: Batch & { readonly completedUntil: Date; readonly failedUntil: Date },
): Promise<number> =>
  count(
    db,
    sql`
    with kept as materialized (
      select last.id from job_schedules schedule
       cross join lateral (select id from job_runs run
                            where run.name = schedule.name and run.queue = schedule.queue and state = 'completed'
                              and (run.payload is null or run.payload = schedule.payload)
                            order by started_at desc limit 1) as last
    ), due as materialized (
      (select id from job_runs
        where state = 'completed' and finished_at < ${completedUntil.toISOString()}::timestamptz
          and id <> all (array(select id from kept))
        order by finished_at limit ${rowsMax})
      union all
      (select id from job_runs
        where state = 'failed' and finished_at < ${failedUntil.toISOString()}::timestamptz
        order by finished_at limit ${rowsMax})
    )
    delete from job_runs where id in (select id from due limit ${rowsMax})`,
  )

/** Deletes dead letters about which somebody decided before `resolvedUntil`; open ones stay. */
export const pruneDeadLetters = (
  db: Runner,
  { resolvedUntil, rowsMax }: Batch & { readonly resolvedUntil: Date },
): Promise<number> =>
  count(
    db,
    sql`
    delete from dead_letters where id in (
      select id from dead_letters where resolved_at < ${resolvedUntil.toISOString()}::timestamptz limit ${rowsMax})`,
  )

/** Deletes events that were published before `publishedUntil`, with their deliveries. What is still to be given to somebody
 *  stays, however old, and so does what was given up since `deadUntil`: a replay of its dead letter needs the delivery. */
export const pruneOutboxEvents = (
  db: Runner,
  {
    publishedUntil,
    deadUntil,
    rowsMax,
  }: Batch & { readonly publishedUntil: Date; readonly deadUntil: Date },
): Promise<number> =>
  count(
    db,
    sql`
    with due as materialized (
      select id from outbox_events event
       where published_at < ${publishedUntil.toISOString()}::timestamptz
         and (select count(*) from event_deliveries
               where event_id = event.id
                 and (ended_at is null
                      or (outcome = 'dead' and ended_at >= ${deadUntil.toISOString()}::timestamptz))) = 0
       order by published_at limit ${rowsMax} for update skip locked
    )
    delete from outbox_events where id in (select id from due)`,
  )

/** Runs a DELETE and counts its rows in the database. */
async function count(db: Runner, deletion: RawBuilder<unknown>): Promise<number> {
  const [row] = await db.run(sql<{ count: number }>`
    with gone as (${deletion} returning 1) select count(*)::integer as count from gone`)
  return row?.count ?? 0
}
