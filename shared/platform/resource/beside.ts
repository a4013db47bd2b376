import { sql, type RawBuilder } from 'kysely'
import { expandedUntil } from './item.ts'
import type { Selection } from './selection.ts'
import type { ItemShape } from './shape.ts'
import { boundaries, readAt, type Source } from './source.ts'

/** For each row its key, the keys that it names, and the instant until which it stays as it is. */
export function linksOf(source: Source, { selection, hasMember }: ItemShape): RawBuilder<unknown> {
  const key = source.table.primaryKey.map((property) => sql`${source.column(property)}::text`)
  const until = [...boundaries(source).map(later), ...expandedUntil(source, selection, hasMember)]
  return sql.join([
    sql`${sql.join(key, sql` || ':' || `)} as id`,
    ...referencesOf(source, selection).map(
      ({ name, column }) => sql`${column}::text as ${sql.ref(`to_${name}`)}`,
    ),
    ...(until.length > 0 ? [sql`least(${sql.join(until)}) as until`] : []),
  ])
}

/** The keys of all rows, in their order. Joined by commas is the cheapest; but a text may hold one. */
function keysOf({ table }: Source, name: string, columns: readonly string[]): RawBuilder<unknown> {
  const isPlain = columns.every((one) => /^(uuid|bigint|integer|smallint)$/.test(table.typeOf(one)))
  return isPlain
    ? sql`string_agg(${sql.ref(name)}, ',')`
    : sql`json_agg(${sql.ref(name)}) filter (where ${sql.ref(name)} is not null)`
}

const later = (column: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`case when ${column} > ${readAt} then ${column} end`

/** What of `linksOf` comes back, as members of a JSON object.
 *  @param listed the conditions of a list, in which rows may appear by the clock alone */
export function besides(
  source: Source,
  shape: ItemShape,
  listed: readonly RawBuilder<unknown>[] = [],
): RawBuilder<unknown> {
  const references = referencesOf(source, shape.selection).map(
    ({ name, property }) =>
      sql`${sql.lit(name)}::text, ${keysOf(source, `to_${name}`, [property])}`,
  )
  return sql.join([
    sql`'ids', ${keysOf(source, 'id', source.table.primaryKey)}`,
    sql`'references', ${references.length > 0 ? sql`json_build_object(${sql.join(references)})` : sql`null`}`,
    sql`'validUntil', ${untilOf(source, shape, listed) ?? sql`null`}`,
  ])
}

function referencesOf({ table, column }: Source, { expand }: Selection) {
  return Object.keys(expand).flatMap((name) => {
    const { expansion } = table.related(name)
    return expansion.kind === 'one'
      ? [{ name, property: expansion.column, column: column(expansion.column) }]
      : []
  })
}

/** The earliest change by the clock: of a row that is shown, or of one that will appear in the list. */
function untilOf(
  source: Source,
  { selection, hasMember }: ItemShape,
  listed: readonly RawBuilder<unknown>[],
): RawBuilder<unknown> | undefined {
  const { table, alias, column } = source
  const { from } = table.resource.boundary
  const isBound =
    boundaries(source).length > 0 || expandedUntil(source, selection, hasMember).length > 0
  if (!isBound) {
    return undefined
  }
  if (!from || listed.length === 0) {
    return sql`min(until)`
  }
  // A condition and not the aggregate's filter: the least value after the read is then the end of an index range.
  const coming = sql.join([...listed, sql`${column(from)} > ${readAt}`], sql` and `)
  return sql`least(min(until), (select min(${column(from)}) from ${table.from(alias)} where ${coming}))`
}
