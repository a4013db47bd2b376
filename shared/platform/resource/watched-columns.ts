import type { WatchedTable } from '../cache/require-watched.ts'
import { toldTable, type Resource } from './define-resource.ts'
import { columnOf } from './column-of.ts'
import type { Table } from './table.ts'

/** What the reads of all these resources need to hear of each table, for `requireWatched`: by name of the table, columns by
 *  name; not those that lag. A resource that others expand to or live below needs it too; `openTables` has them all. */
export function watchedColumns(tables: ReadonlyMap<Resource, Table>): readonly WatchedTable[] {
  const byName = Map.groupBy(tables.values(), ({ resource }) => toldTable(resource))
  return [...byName]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([table, readers]) => {
      const key = names(readers, ({ primaryKey }) => primaryKey)
      const keys = names(readers, decisive).filter((name) => !key.includes(name))
      const known = new Set([...key, ...keys])
      return { table, key, keys, shown: names(readers, shown).filter((name) => !known.has(name)) }
    })
}

function names(readers: readonly Table[], properties: (table: Table) => readonly string[]) {
  const named = readers.flatMap((reader) =>
    properties(reader)
      .filter((property) => !reader.resource.lagging.includes(property))
      .map(reader.columnName),
  )
  return [...new Set(named)]
}

/** Properties that decide where a row appears. */
function decisive(table: Table): readonly string[] {
  const { visibility, parent, filters, sorts, only, removedAt, boundary, expand } = table.resource
  const tenancy = visibility === 'public' ? [] : [visibility.organisation, visibility.member]
  const sorted = sorts.flatMap(({ keys }) => keys.map(({ field }) => field))
  const fields = [...Object.keys(filters), ...sorted.filter((field) => field !== 'relevance')]
  const references = Object.values(expand).map((one) =>
    one.kind === 'one' ? one.column : undefined,
  )
  return [
    ...tenancy,
    parent?.column,
    ...fields.map((field) => columnOf(table, field)),
    ...Object.keys(only),
    removedAt,
    boundary.from,
    boundary.until,
    ...references,
  ].filter((property) => property !== undefined)
}

/** Properties of which an answer is made, and those that are searched. */
function shown({ resource: { fields, search } }: Table): readonly string[] {
  return [
    ...Object.values(fields).flatMap(({ columns }) => columns),
    ...(search ? [search.vector, search.similar] : []),
  ]
}
