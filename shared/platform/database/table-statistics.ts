import { sql } from 'kysely'
import type { Runner } from './database.ts'

/** What the planner knows of a table, and since when. */
export type TableStatistics = {
  readonly table: string
  /** As PostgreSQL counts them, about. */
  readonly rows: number
  /** Rows that were changed since. */
  readonly changedRows: number
  /** RFC 3339, UTC; null for never, as far as the server remembers: a crash makes it forget. */
  readonly analyzedAt: string | null
  /** Nothing analyses it by itself: autovacuum is off, for the server or for this table. */
  readonly isNeglected: boolean
}

/** The tables of the current schema by name. Reads the catalogue only; milliseconds. */
export const listTableStatistics = (db: Runner): Promise<readonly TableStatistics[]> =>
  db.run(sql<TableStatistics>`
    select s.relname as "table", greatest(s.n_live_tup, c.reltuples)::float8 as rows,
           s.n_mod_since_analyze::float8 as "changedRows",
           to_char(greatest(s.last_analyze, s.last_autoanalyze) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "analyzedAt",
           not current_setting('autovacuum')::boolean or not current_setting('track_counts')::boolean
           or exists (select from pg_options_to_table(c.reloptions)
                       where option_name = 'autovacuum_enabled' and not option_value::boolean) as "isNeglected"
      from pg_stat_user_tables s join pg_class c on c.oid = s.relid
     where s.schemaname = current_schema()
     order by 1`)

/** Refreshes what the planner knows of a table, from a sample of it. Blocks no reader or writer. */
export async function analyzeTable(db: Runner, table: string): Promise<void> {
  await db.run(sql`analyze ${sql.id(table)}`)
}
