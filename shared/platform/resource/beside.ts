import { sql, type RawBuilder } from 'kysely'
import { expandedUntil } from './item.ts'
import type { Selection } from './selection.ts'
import { conditionsOf, parentUntil } from './conditions.ts'
import type { ItemShape, Shape } from './shape.ts'
import { boundaries, later, present, readAt, type Source } from './source.ts'

/** For each row its key, the keys that it names, and the instant until which it stays as it is. */
export function linksOf(source: Source, shape: ItemShape): RawBuilder<unknown> {
  const key = source.table.primaryKey.map((property) => sql`${source.column(property)}::text`)
  const until = linkedUntil(source, shape)
  return sql.join([
    sql`${sql.join(key, sql` || ':' || `)} as id`,
    ...referencesOf(source, shape.selection).map(
      ({ name, column }) => sql`${column}::text as ${sql.ref(`to_${name}`)}`,
    ),
    ...(until.length > 0 ? [sql`least(${sql.join(until)}) as until`] : []),
  ])
}

function linkedUntil(source: Source, { selection, hasMember }: ItemShape) {
  return [...boundaries(source).map(later), ...expandedUntil(source, selection, hasMember)]
}

/** The keys of all rows, in their order. Joined by commas is the cheapest; but a text may hold one. */
function keysOf({ table }: Source, name: string, columns: readonly string[]): RawBuilder<unknown> {
  const isPlain = columns.every((one) =>
    /^(uuid|bigint|int|integer|smallint)$/.test(table.typeOf(one)),
  )
  return isPlain
    ? sql`string_agg(${sql.ref(name)}, ',')`
    : sql`json_agg(${sql.ref(name)}) filter (where ${sql.ref(name)} is not null)`
}

/** The primary keys of all rows: a column by itself, for in a JSON object it would be read byte by byte in search of what must
 *  be escaped. */
export function idsOf(source: Source): RawBuilder<unknown> {
  return sql`${keysOf(source, 'id', source.table.primaryKey)}::text as ids`
}

/** What else of `linksOf` comes back, as members of a JSON object.
 *  @param listed of a list, what `listedUntil` says */
export function besides(
  source: Source,
  shape: ItemShape,
  listed: readonly RawBuilder<unknown>[] = [],
): RawBuilder<unknown> {
  const references = referencesOf(source, shape.selection).map(
    ({ name, property }) =>
      sql`${sql.lit(name)}::text, ${keysOf(source, `to_${name}`, [property])}::text`,
  )
  const isBound = linkedUntil(source, shape).length > 0
  const until = [...(isBound ? [sql`min(until)`] : []), ...listed]
  return sql.join([
    sql`'references', ${references.length > 0 ? sql`json_build_object(${sql.join(references)})` : sql`null`}`,
    sql`'validUntil', ${until.length > 0 ? sql`least(${sql.join(until)})` : sql`null`}`,
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

/** When a list changes by the clock alone besides its page: a row appears, or one that only counts is gone; the item that
 *  the list lives below comes or goes.
 *  @param isCounted whether the answer depends on every row of the list */
export function listedUntil(
  source: Source,
  shape: Shape,
  isCounted: boolean,
): readonly RawBuilder<unknown>[] {
  const { table, alias, column } = source
  const { from, until } = table.resource.boundary
  const passing = (property: string, others: readonly RawBuilder<unknown>[]) => {
    // A condition and not the aggregate's filter: the least value after the read is then the end of an index range.
    const isLater = sql`${column(property)} > ${readAt}`
    const where = sql.join([...conditionsOf(source, shape), ...others, isLater], sql` and `)
    return sql`(select min(${column(property)}) from ${table.toldFrom(alias)} where ${where})`
  }
  return [
    ...(from ? [passing(from, [])] : []),
    ...(until && isCounted ? [passing(until, present(source))] : []),
    ...parentUntil(shape),
  ]
}
