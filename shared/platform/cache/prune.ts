import { sql } from 'kysely'
import type { Runner } from '../database/database.ts'

/** Deletes changes that are older than the retention, at most once within it, and says so in `cache_epoch`: its floor becomes
 *  the snapshot before which nothing is left, its mark what the next call may delete. Whoever has not seen all that the floor
 *  saw may have missed a change. One statement, so that the log never is shorter than its floor says; a second caller waits
 *  for the first and then finds nothing due. A log without an epoch gets one.
 *  @param options.retentionSeconds at least the longest life of an entry in Redis; by the clock of the database, which
 *    decides only when, never what */
export async function pruneChangeLog(
  db: Runner,
  { retentionSeconds }: { readonly retentionSeconds: number },
): Promise<{ readonly deletedCount: number }> {
  const [pruned] = await db.run(sql<{ deletedCount: number }>`
    with epoch as materialized (
      select mark from cache_epoch
       where marked_at < clock_timestamp() - make_interval(secs => ${retentionSeconds}::float8)
         for update),
    begun as (
      insert into cache_epoch select where not exists (select from cache_epoch)
      on conflict do nothing),
    moved as (
      update cache_epoch
         set floor = epoch.mark, mark = pg_current_snapshot(), marked_at = clock_timestamp()
        from epoch),
    deleted as (
      delete from change_log using epoch
       where xid < pg_snapshot_xmax(epoch.mark) and pg_visible_in_snapshot(xid, epoch.mark)
      returning 1)
    select count(*)::integer as "deletedCount" from deleted`)
  return { deletedCount: pruned?.deletedCount ?? 0 }
}
