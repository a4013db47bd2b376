import { sql } from 'kysely'
import { z } from 'zod'
import type { Runner } from '../database/database.ts'
import { functionName, type Watched } from './watch.ts'

/** What reads need to hear of a table. */
export type WatchedTable = Watched & { readonly table: string }

/** Makes sure, before anything is cached, that every change of these columns will be told: that each table and each of its
 *  partitions has the triggers, that they fire always, and for what. Reads the catalogue only; milliseconds.
 *  @throws {Error} naming everything that is not told, and what a migration has to do */
export async function requireWatched(db: Runner, wanted: readonly WatchedTable[]): Promise<void> {
  const states = await readStates(
    db,
    wanted.map(({ table }) => table),
  )
  const faults = [
    ...(await durableTables(db)),
    ...wanted.flatMap((table) => faultsOf(table, states.get(table.table) ?? [])),
  ]
  if (faults.length > 0) {
    throw new Error(
      `the cache would miss changes: ${faults.join('; ')}. A migration has to run watch() of shared/platform/cache/watch.ts`,
    )
  }
}

/** A table or one of its partitions. */
type State = {
  readonly table: string
  readonly relation: string
  /** The statements that fire nothing, or not always. */
  readonly silent: readonly string[]
  /** The comment of the function, which says what it watches. */
  readonly comment: string | null
}

/** In `tgtype` 1 is a trigger for each row, 2 one before and 64 one instead of the statement. */
async function readStates(
  db: Runner,
  tables: readonly string[],
): Promise<ReadonlyMap<string, readonly State[]>> {
  const functions = tables.map(functionName)
  const rows = await db.run(sql<State>`
    select wanted.name as "table", relation.id::regclass::text as relation,
           array(select event.name from (values ('INSERT', 4), ('DELETE', 8), ('UPDATE', 16), ('TRUNCATE', 32)) as event (name, bit)
                  where not exists (
                    select from pg_trigger t
                     where t.tgrelid = relation.id and t.tgfoid = to_regproc(wanted.function) and t.tgenabled = 'A'
                       and t.tgqual is null and cardinality(t.tgattr::smallint[]) = 0
                       and t.tgtype & (event.bit + 67) = event.bit)) as silent,
           obj_description(to_regproc(wanted.function), 'pg_proc') as comment
      from unnest(${tables}::text[], ${functions}::text[]) as wanted (name, function)
     cross join lateral (select to_regclass(wanted.name)::oid as id
                          union select relid from pg_partition_tree(to_regclass(wanted.name))) as relation
     where relation.id is not null
     order by 1, 2`)
  return Map.groupBy(rows, ({ table }) => table)
}

/** A log that outlives a crash would give its transaction ids a second meaning. */
async function durableTables(db: Runner): Promise<readonly string[]> {
  const rows = await db.run(sql<{ name: string }>`
    select name from unnest('{change_log,cache_epoch}'::text[]) as name
      left join pg_class c on c.oid = to_regclass(name)
     where c.relpersistence is distinct from 'u' order by 1`)
  return rows.map(({ name }) => `${name} is not there or not UNLOGGED`)
}

const Comment = z.object({
  key: z.array(z.string()),
  keys: z.array(z.string()),
  shown: z.array(z.string()),
})

function faultsOf(wanted: WatchedTable, states: readonly State[]): readonly string[] {
  const { table, key, keys, shown } = wanted
  const [state] = states
  if (!state) {
    return [`there is no table ${table}`]
  }
  const watched = parseComment(state.comment)
  if (!watched) {
    return [`nothing watches ${table} (${[...key, ...keys, ...shown].join(', ')})`]
  }
  const told = [...watched.key, ...watched.keys]
  const missing = [
    ...keys.filter((column) => !told.includes(column)).map((column) => `${column} among keys`),
    ...shown.filter((column) => ![...told, ...watched.shown].includes(column)),
  ]
  return [
    ...(watched.key.join() === key.join()
      ? []
      : [`${table} is told by ${watched.key.join(', ')}, not by its key ${key.join(', ')}`]),
    ...(missing.length === 0 ? [] : [`${table} is watched without ${missing.join(', ')}`]),
    ...states
      .filter(({ silent }) => silent.length > 0)
      .map(({ relation, silent }) => `${silent.join(', ')} of ${relation} fires no trigger always`),
  ]
}

function parseComment(comment: string | null): Watched | undefined {
  try {
    return Comment.parse(JSON.parse(comment ?? ''))
  } catch {
    return undefined // no function, or none of ours
  }
}
