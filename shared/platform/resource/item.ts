import { sql, type RawBuilder } from 'kysely'
import { joinPieces, type Piece } from './json-pieces.ts'
import { orderOf } from './keyset.ts'
import type { Selection } from './selection.ts'
import { boundaries, nextPassing, present, sourceOf, visible, type Source } from './source.ts'

// Items as JSON. An expansion is an item, or a list of them, of the row that it belongs to; all in one statement.

/** The item of a row, as JSON text. */
export function itemOf(
  source: Source,
  selection: Selection,
  hasMember: boolean,
): RawBuilder<unknown> {
  const { resource } = source.table
  const fields = Object.entries(resource.fields)
    .filter(([name]) => selection.fields?.includes(name) ?? true)
    .map(([name, field]) => [name, field.render(source.column)] as const)
  const expanded = Object.entries(selection.expand).map(
    ([name, below]) => [name, expansionOf(source, name, { selection: below, hasMember })] as const,
  )
  const members = [...fields, ...expanded].flatMap(([name, pieces], index) => [
    `${index > 0 ? ',' : ''}${JSON.stringify(name)}:`,
    ...pieces,
  ])
  return joinPieces(['{', ...members, '}'])
}

type Below = { readonly selection: Selection; readonly hasMember: boolean }

function expansionOf(
  source: Source,
  name: string,
  { selection, hasMember }: Below,
): readonly Piece[] {
  const { child, where, limit } = link(source, name, hasMember)
  const item = itemOf(child, selection, hasMember)
  const from = child.table.from(child.alias)
  if (limit === undefined) {
    return [
      sql`coalesce((select ${item} from ${from} where ${sql.join(where, sql` and `)}), 'null')`,
    ]
  }
  const { by } = orderOf(child, child.table.resource.sorts[0])
  const items = sql`coalesce(string_agg(item, ',' order by n) filter (where n <= ${sql.lit(limit)}), '')`
  const hasMore = sql`(count(*) > ${sql.lit(limit)})::text`
  const list = joinPieces(['{"data":[', items, '],"hasMore":', hasMore, '}'])
  return [
    sql`(
    select ${list}
      from (select row_number() over (order by ${by}) as n, ${item} as item
              from ${from}
             where ${sql.join(where, sql` and `)}
             order by ${by}
             limit ${sql.lit(limit + 1)}) as page)`,
  ]
}

/** The rows at the other end of an expansion, and how many of them are shown; one where there can only be one. */
function link(source: Source, name: string, hasMember: boolean) {
  const { table, expansion } = source.table.related(name)
  const child = sourceOf(table, `${source.alias}_${name}`)
  const seen = [...visible(child, hasMember), ...present(child)]
  if (expansion.kind === 'one') {
    const [key = ''] = table.primaryKey
    return {
      child,
      where: [sql`${child.column(key)} = ${source.column(expansion.column)}`, ...seen],
    }
  }
  const [id = ''] = source.table.primaryKey
  const column = table.resource.parent?.column ?? ''
  const where = [sql`${child.column(column)} = ${source.column(id)}`, ...seen]
  return { child, where, limit: expansion.limit }
}

/** For each row the next instant at which what is expanded in it changes by the clock alone; absent where nothing does. */
export function expandedUntil(
  source: Source,
  { expand }: Selection,
  hasMember: boolean,
): readonly RawBuilder<unknown>[] {
  return Object.entries(expand).flatMap(([name, below]) => {
    const { table, expansion } = source.table.related(name)
    const child = sourceOf(table, `${source.alias}_${name}`)
    const column = expansion.kind === 'one' ? table.primaryKey[0] : table.resource.parent?.column
    const [id = ''] = source.table.primaryKey
    const own = source.column(expansion.kind === 'one' ? expansion.column : id)
    const where = [sql`${child.column(column ?? '')} = ${own}`, ...visible(child, hasMember)]
    const passing = boundaries(child)
    const deeper = expandedUntil(child, below, hasMember).map((until) => sql`min(${until})`)
    const all = [...(passing.length > 0 ? [nextPassing(passing)] : []), ...deeper]
    return all.length === 0
      ? []
      : [
          sql`(select least(${sql.join(all)}) from ${table.from(child.alias)} where ${sql.join(where, sql` and `)})`,
        ]
  })
}

/** Properties of the row that its JSON is made from. */
export function columnsOf(source: Source, selection: Selection): readonly string[] {
  const { fields, expand } = source.table.resource
  const shown = Object.entries(fields)
    .filter(([name]) => selection.fields?.includes(name) ?? true)
    .flatMap(([, field]) => field.columns)
  const links = Object.keys(selection.expand).flatMap((name) => {
    const expansion = expand[name]
    return expansion?.kind === 'one' ? [expansion.column] : source.table.primaryKey
  })
  return [...shown, ...links]
}
