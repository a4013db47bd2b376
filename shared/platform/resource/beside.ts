import { sql, type RawBuilder } from 'kysely'
import { expandedUntil } from './item.ts'
import type { Selection } from './selection.ts'
import type { ItemShape } from './shape.ts'
import { boundaries, nextPassing, readAt, type Source } from './source.ts'

/** What comes back beside every body. Lists of keys are joined by commas, which no key contains. */
export type FilledRow = {
  readonly body: string
  readonly ids: string | null
  readonly references: Readonly<Record<string, string | null>> | null
  readonly valid_until: string | null
}

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

const later = (column: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`case when ${column} > ${readAt} then ${column} end`

/** What of `linksOf` comes back: the columns of a `FilledRow` but its body.
 *  @param listed the conditions of a list, in which rows may appear by the clock alone */
export function besides(
  source: Source,
  shape: ItemShape,
  listed: readonly RawBuilder<unknown>[] = [],
): RawBuilder<unknown> {
  const references = referencesOf(source, shape.selection).map(
    ({ name }) => sql`${sql.lit(name)}::text, string_agg(${sql.ref(`to_${name}`)}, ',')`,
  )
  const passing = untilOf(source, shape, listed)
  return sql`string_agg(id, ',' order by n) as ids,
    ${references.length > 0 ? sql`json_build_object(${sql.join(references)})` : sql`null`} as references,
    ${passing ? sql`to_json(${passing})#>>'{}'` : sql`null`} as valid_until`
}

function referencesOf({ table, column }: Source, { expand }: Selection) {
  return Object.keys(expand).flatMap((name) => {
    const { expansion } = table.related(name)
    return expansion.kind === 'one' ? [{ name, column: column(expansion.column) }] : []
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
  const coming = sql`select ${nextPassing([column(from)])} from ${table.from(alias)}`
  return sql`least(min(until), (${coming} where ${sql.join(listed, sql` and `)}))`
}
