import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'

/**
 * Runs `work` while the tables have no foreign keys and no indexes but those of their constraints, then builds the
 * indexes again, checks the foreign keys over all rows at once and refreshes the statistics. Doing both row by row is
 * half the time of a load. Belongs into a transaction, whose rollback brings everything back; until it ends nobody else
 * can read the tables. Triggers stay on, and `work` must leave no deferred ones pending. Definitions come from the
 * catalogue, so a later index is not forgotten. A table in partitions is named for all of them.
 * @param kept indexes that the triggers need
 */
export async function withoutIndexes<T>(
  db: Runner,
  { tables, kept = [] }: { readonly tables: readonly string[]; readonly kept?: readonly string[] },
  work: () => Promise<T>,
): Promise<T> {
  const parts = await db.run(sql<{ remove: string; restore: string }>`
    with parts as (
      select 1 as rank, indexrelid as id, format('drop index %s', indexrelid::regclass) as remove,
             replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') as restore
        from pg_index
       where indrelid = any (${tables}::regclass[])
         and not exists (select from pg_constraint where conindid = indexrelid)
         and indexrelid <> all (${kept}::regclass[])
      union all
      select 2, oid, format('alter table %s drop constraint %I', conrelid::regclass, conname),
             format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
        from pg_constraint
       where conrelid = any (${tables}::regclass[]) and contype = 'f'
    )
    select remove, restore from parts order by rank, id`)
  for (const { remove } of parts) {
    await db.run(sql.raw(remove))
  }
  const result = await work()
  for (const { restore } of parts) {
    await db.run(sql.raw(restore))
  }
  for (const table of tables) {
    await db.run(sql`analyze ${sql.table(table)}`)
  }
  return result
}
