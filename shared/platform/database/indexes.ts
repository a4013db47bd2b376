import { sql } from 'kysely'
import type { Runner } from './database.ts'
import { analyzeTable } from './table-statistics.ts'

/** One index with its size and how often it has been used since the statistics were last reset. */
export type IndexUse = {
  readonly table: string
  /** As the planner believes; 0 for a table that was never analysed. */
  readonly rowsCount: number
  readonly index: string
  readonly sizeBytes: number
  readonly scansCount: number
  /** Keeps rows distinct, so it earns its place without a single scan. */
  readonly isUnique: boolean
  /** Has exactly the columns of a foreign key, so that a change of what is referred to finds the rows that refer. */
  readonly isProbe: boolean
  /** False for what an interrupted CREATE INDEX CONCURRENTLY left behind: it costs every write and serves no read. */
  readonly isValid: boolean
  /** The names that it has in the partitions of its table; there it is no index of its own. */
  readonly parts: readonly string[]
}

/** Every index of the current schema by table and name. Reads the catalogue only; milliseconds. */
export async function listIndexes(db: Runner): Promise<readonly IndexUse[]> {
  const rows = await db.run(
    sql<Omit<IndexUse, 'sizeBytes' | 'scansCount'> & { sizeBytes: string; scansCount: string }>`
      select t.relname as "table", greatest(t.reltuples, 0)::float8 as "rowsCount", c.relname as "index",
             pg_relation_size(c.oid) + part.size as "sizeBytes",
             coalesce(pg_stat_get_numscans(c.oid), 0) + part.scans as "scansCount", part.names as "parts",
             i.indisunique or i.indisexclusion as "isUnique", i.indisvalid as "isValid",
             exists (select from pg_constraint f
                      where f.contype = 'f' and f.conrelid = t.oid
                        and f.conkey = (string_to_array(i.indkey::text, ' ')::smallint[])[1:i.indnkeyatts]) as "isProbe"
        from pg_index i
        join pg_class c on c.oid = i.indexrelid
        join pg_class t on t.oid = i.indrelid
       cross join lateral (
         select coalesce(sum(pg_relation_size(inhrelid)), 0) as size,
                coalesce(sum(pg_stat_get_numscans(inhrelid)), 0) as scans,
                coalesce(array_agg(inhrelid::regclass::text), '{}') as names
           from pg_inherits where inhparent = c.oid) as part
       where t.relnamespace = current_schema()::regnamespace and not c.relispartition
       order by t.relname, c.relname`,
  )
  return rows.map((row) => ({
    ...row,
    sizeBytes: Number(row.sizeBytes),
    scansCount: Number(row.scansCount),
  }))
}

/** What an index is there for, besides the reads that somebody may know it for.  @param reader who, if anybody */
export function purposeOfIndex(
  { isUnique, isProbe }: Pick<IndexUse, 'isUnique' | 'isProbe'>,
  reader?: string,
): string | undefined {
  return isUnique
    ? 'keeps rows unique'
    : (reader ?? (isProbe ? 'finds the rows of a foreign key' : undefined))
}

/** Since when scans are counted, RFC 3339, UTC; null where the server was never told to forget them. */
export async function scansCountedSince(db: Runner): Promise<string | null> {
  const [row] = await db.run(sql<{ since: string | null }>`
    select to_char(stats_reset at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as since
      from pg_stat_database where datname = current_database()`)
  return row?.since ?? null
}

/** Refreshes the planner's statistics of every table of the current schema and names them. Blocks no reader or writer. */
export async function analyzeTables(db: Runner): Promise<readonly string[]> {
  const tables = await db.run(
    sql<{
      name: string
    }>`select tablename as name from pg_tables where schemaname = current_schema() order by 1`,
  )
  for (const { name } of tables) {
    await analyzeTable(db, name)
  }
  return tables.map(({ name }) => name)
}
