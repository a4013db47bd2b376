import { sql, type RawBuilder } from 'kysely'
import { orderOf } from './keyset.ts'
import type { Selection } from './selection.ts'
import { boundaries, nextPassing, present, sourceOf, visible, type Source } from './source.ts'

// Items as JSON. An expansion is an item, or a list of them, of the row that it belongs to; all in one statement.

/** The item beside its row, to be joined as `item`. Joined rather than selected in an expression: PostgreSQL dissolves the
 *  join, but would start a plan of its own for the expression, row by row. */
export function itemOf(
  source: Source,
  selection: Selection,
  hasMember: boolean,
): RawBuilder<unknown> {
  const { resource } = source.table
  const fields = Object.entries(resource.fields)
    .filter(([name]) => selection.fields?.includes(name) ?? true)
    .map(([name, field]) => sql`${field.render(source.column)} as ${sql.ref(name)}`)
  const expanded = Object.entries(selection.expand).map(
    ([name, below]) =>
      sql`${expansionOf(source, name, { selection: below, hasMember })} as ${sql.ref(name)}`,
  )
  return sql`cross join lateral (select ${sql.join([...fields, ...expanded])}) as item`
}

type Below = { readonly selection: Selection; readonly hasMember: boolean }

function expansionOf(
  source: Source,
  name: string,
  { selection, hasMember }: Below,
): RawBuilder<unknown> {
  const { child, where, limit } = link(source, name, hasMember)
  const item = itemOf(child, selection, hasMember)
  const from = child.table.from(child.alias)
  if (limit === undefined) {
    return sql`(select row_to_json(item.*) from ${from} ${item} where ${sql.join(where, sql` and `)})`
  }
  const { by } = orderOf(child, child.table.resource.sorts[0])
  return sql`(
    select row_to_json(list) from (
      select coalesce(json_agg(item order by n) filter (where n <= ${sql.lit(limit)}), '[]') as data,
             count(*) > ${sql.lit(limit)} as "hasMore"
        from (select row_number() over (order by ${by}) as n, row_to_json(item.*) as item
                from ${from} ${item}
               where ${sql.join(where, sql` and `)}
               order by ${by}
               limit ${sql.lit(limit + 1)}) as page
    ) as list)`
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
