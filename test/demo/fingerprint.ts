import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'

export type Fingerprint = Readonly<
  Record<string, { readonly rows: number; readonly newest: string }>
>

/** How many rows each table has and which transaction wrote the newest: equal only if nothing was written between. Without what
 *  a crash empties: the change log tells of writes that are found in their own tables. */
export async function fingerprint(db: Runner): Promise<Fingerprint> {
  const tables = await db.run(sql<{ name: string }>`
    select relname as name from pg_class
     where relkind = 'r' and relpersistence = 'p' and relnamespace = 'public'::regnamespace order by relname`)
  const entries: [string, { rows: number; newest: string }][] = []
  for (const { name } of tables) {
    const [row] = await db.run(sql<{ rows: number; newest: string }>`
      select count(*)::integer as rows, coalesce(max(xmin::text::bigint), 0)::text as newest from ${sql.table(name)}`)
    if (row !== undefined) {
      entries.push([name, row])
    }
  }
  return Object.fromEntries(entries)
}
