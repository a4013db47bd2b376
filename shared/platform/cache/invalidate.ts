import { sql } from 'kysely'
import type { Runner } from '../database/database.ts'
import { changesChannel } from './change.ts'

/** Makes every answer untrue that has one of the tags, in all processes and in Redis: what is kept stays where it is and is
 *  no longer served. A row of the change log like any other, so that it reaches whoever missed the notification, and is
 *  known within the bound in which writes are. Costs one row, however many answers it concerns. */
export async function invalidateTags(db: Runner, tags: readonly string[]): Promise<void> {
  await db.run(sql`
    with told as (insert into change_log (relation, rows) values ('', to_json(${[...tags]}::text[])) returning xid)
    select pg_notify(${changesChannel}, '') from told`)
}

/** Makes every answer untrue: the database begins a new epoch. Redis is not flushed, for others may live in it; what is
 *  there belongs to the old epoch and ends with its lifetime. */
export async function invalidateEverything(db: Runner): Promise<void> {
  await db.run(sql`select rotate_cache_epoch()`)
}
