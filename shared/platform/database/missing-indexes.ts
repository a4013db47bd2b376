import { sql } from 'kysely'
import type { Runner } from './database.ts'

/** Smaller tables are read from end to end as fast as by an index. */
const rowsMin = 10_000

/** A table of which more is read from end to end than by its indexes. */
export type ScannedTable = {
  readonly table: string
  readonly rows: number
  readonly scansCount: number
  readonly rowsPerScan: number
  readonly indexScansCount: number
}

/** The big tables that were read from end to end ten times or more since the statistics were reset, most rows first.
 *  Whoever builds an index or makes a dump reads them too. */
export async function listScannedTables(db: Runner): Promise<readonly ScannedTable[]> {
  const rows = await db.run(
    sql<Record<Exclude<keyof ScannedTable, 'table'>, string> & { table: string }>`
      select relname as "table", n_live_tup as rows, seq_scan as "scansCount",
             seq_tup_read / seq_scan as "rowsPerScan", coalesce(idx_scan, 0) as "indexScansCount"
        from pg_stat_user_tables
       where schemaname = current_schema() and n_live_tup >= ${rowsMin}::bigint and seq_scan >= 10
         and seq_tup_read > coalesce(idx_tup_fetch, 0)
       order by seq_tup_read desc
       limit 100`,
  )
  return rows.map(({ table, ...counts }) => ({
    table,
    rows: Number(counts.rows),
    scansCount: Number(counts.scansCount),
    rowsPerScan: Number(counts.rowsPerScan),
    indexScansCount: Number(counts.indexScansCount),
  }))
}

/** A reference that no index begins with. */
export type UnprobedKey = {
  readonly table: string
  readonly columns: string
  /** What is referred to. Where a row of it is removed or gets another key, the whole table is read. */
  readonly target: string
  readonly rows: number
}

/** The foreign keys of big tables that no index begins with, the biggest table first. */
export async function listUnprobedKeys(db: Runner): Promise<readonly UnprobedKey[]> {
  const rows = await db.run(
    sql<Omit<UnprobedKey, 'rows'> & { rows: string }>`
      select c.relname as "table", f.confrelid::regclass::text as target,
             (select string_agg(a.attname, ', ' order by place) from unnest(f.conkey) with ordinality as key (number, place)
                join pg_attribute a on a.attrelid = c.oid and a.attnum = key.number) as columns,
             c.reltuples::bigint as rows
        from pg_constraint f
        join pg_class c on c.oid = f.conrelid
       where f.contype = 'f' and c.relnamespace = current_schema()::regnamespace and c.reltuples >= ${rowsMin}::real
         and not exists (
           select from pg_index i
            where i.indrelid = c.oid and i.indisvalid and i.indnkeyatts >= cardinality(f.conkey)
              and (string_to_array(i.indkey::text, ' ')::smallint[])[1:cardinality(f.conkey)] <@ f.conkey
              and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) ~ '^\\(\\w+ IS NOT NULL\\)$'))
       order by c.reltuples desc, 1, 3`,
  )
  return rows.map((row) => ({ ...row, rows: Number(row.rows) }))
}
