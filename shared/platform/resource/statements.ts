import { sql, type RawBuilder } from 'kysely'
import type { Condition, ListQuery, OffsetQuery, Scope } from './list-query.ts'
import type { Table } from './table.ts'

/**
 * The statements of a declared read. PostgreSQL builds the JSON text of the answer and Node moves bytes; what else
 * the page needs (sort keys for the cursors, whether there is more, the total) comes back beside it in the same row.
 * Refused: rows through the driver and JSON.stringify, which costs four times the CPU in Node (docs/decisions/0004).
 */
export type PageRow = {
  readonly body: string
  readonly has_more: boolean
  readonly first_key: string | null
  readonly last_key: string | null
  readonly total: string | null
  readonly parent_found: boolean
}

export type Place = {
  readonly scope: Scope
  readonly parent?: { readonly table: Table; readonly id: string }
}

/** One page by cursor; always exactly one row. */
export function pageStatement(table: Table, place: Place, query: ListQuery): RawBuilder<PageRow> {
  const order = orderOf(table, query)
  const shown = query.limit
  const where = [...visible(table, place), ...query.conditions.map((one) => narrow(table, one))]
  const total = query.isCounted ? countOf(table, where) : sql`null`
  const inOrder = sql.raw(order.isReversed ? 'desc' : 'asc')
  const edge = (n: RawBuilder<unknown>) =>
    sql`(array_agg(key order by n) filter (where n <= ${shown}))[(${n})::int]`
  const nearEdge = edge(sql`1`)
  const farEdge = edge(sql`least(count(*), ${shown})`)
  return sql<PageRow>`
    with page as (
      select row_number() over (order by ${order.by}) as n,
             ${itemText(table, query.fields)} as item,
             json_build_array(${sql.join(order.columns.map((name) => keyText(table, name)))})::text as key
        from ${table.from}
       where ${sql.join([...where, ...order.after], sql` and `)}
       order by ${order.by}
       limit ${shown + 1}
    )
    select '[' || coalesce(string_agg(item, ',' order by n ${inOrder}) filter (where n <= ${shown}), '') || ']' as body,
           count(*) > ${shown} as has_more,
           ${order.isReversed ? farEdge : nearEdge} as first_key,
           ${order.isReversed ? nearEdge : farEdge} as last_key,
           ${total} as total,
           ${parentFound(place)} as parent_found
      from page`
}

/** One page by number, with the total that version 1 promised. */
export function offsetStatement(
  table: Table,
  place: Place,
  query: OffsetQuery,
): RawBuilder<{ readonly body: string; readonly total: string }> {
  const order = orderOf(table, query)
  const where = [...visible(table, place), ...query.conditions.map((one) => narrow(table, one))]
  return sql`
    with page as (
      select row_number() over (order by ${order.by}) as n, ${itemText(table)} as item
        from ${table.from}
       where ${sql.join(where, sql` and `)}
       order by ${order.by}
       limit ${query.limit} offset ${(query.page - 1) * query.limit}
    )
    select '[' || coalesce(string_agg(item, ',' order by n), '') || ']' as body,
           ${countOf(table, where)} as total
      from page`
}

/** One item by its primary key; no row when the caller may not see it. */
export function itemStatement(
  table: Table,
  scope: Scope,
  item: { readonly id: string; readonly fields?: readonly string[] },
): RawBuilder<{ readonly body: string }> {
  return sql`select ${itemText(table, item.fields)} as body ${visibleRow(table, scope, item.id)}`
}

function visibleRow(table: Table, scope: Scope, id: string): RawBuilder<unknown> {
  const key = sql`${table.column(table.primaryKey)} = ${table.value(table.primaryKey, id)}`
  return sql`from ${table.from} where ${sql.join([key, ...visible(table, { scope })], sql` and `)}`
}

/** The item as JSON text, with the asked-for fields only. */
function itemText(table: Table, names?: readonly string[]): RawBuilder<unknown> {
  const fields = Object.entries(table.resource.fields)
    .filter(([name]) => names?.includes(name) ?? true)
    .map(([name, field]) => sql`${field.render(table.column)} as ${sql.ref(name)}`)
  return sql`(select row_to_json(item)::text from (select ${sql.join(fields)}) as item)`
}

/** Rows that the caller may see: a statement without them cannot be built. */
function visible(table: Table, { scope, parent }: Place): RawBuilder<unknown>[] {
  const { visibility, removedAt, only } = table.resource
  const conditions = [sql`true`]
  for (const [property, value] of Object.entries(only)) {
    conditions.push(sql`${table.column(property)} = ${value}`)
  }
  if (visibility !== 'public') {
    if (!scope.organisationId) {
      throw new Error(`${table.resource.name} was read without an organisation`)
    }
    const { organisation, member } = visibility
    conditions.push(sql`${table.column(organisation)} = ${scope.organisationId}::uuid`)
    if (scope.memberId && member) {
      conditions.push(sql`${table.column(member)} = ${scope.memberId}::uuid`)
    }
  }
  if (removedAt) {
    conditions.push(sql`${table.column(removedAt)} is null`)
  }
  const link = table.resource.parent
  if (parent && link) {
    conditions.push(sql`${table.column(link.column)} = ${table.value(link.column, parent.id)}`)
  }
  return conditions
}

function parentFound({ scope, parent }: Place): RawBuilder<unknown> {
  return parent ? sql`exists (select ${visibleRow(parent.table, scope, parent.id)})` : sql`true`
}

function countOf(table: Table, where: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  return sql`(select count(*) from ${table.from} where ${sql.join(where, sql` and `)})`
}

function narrow(table: Table, { field, operator, values }: Condition): RawBuilder<unknown> {
  const property = propertyOf(table, field)
  const column = table.column(property)
  const bound = values.map((value) => table.value(property, value))
  switch (operator) {
    case 'in':
      return bound.length === 1
        ? sql`${column} = ${bound[0]}`
        : sql`${column} in (${sql.join(bound)})`
    case 'from':
      return sql`${column} >= ${bound[0]}`
    case 'before':
      return sql`${column} < ${bound[0]}`
    default:
      return operator satisfies never
  }
}

/** The order of the rows as they are fetched (backwards for a page before the cursor), and where it starts. */
function orderOf(table: Table, query: Pick<ListQuery, 'sort' | 'position'>) {
  const isDescending = query.sort.startsWith('-')
  const isReversed = query.position?.direction === 'prev'
  const sorted = propertyOf(table, query.sort.replace(/^-/, ''))
  const columns = [...new Set([sorted, table.primaryKey])]
  const isDown = isDescending !== isReversed
  const list = columns.map((name) => table.column(name))
  const direction = sql.raw(isDown ? 'desc' : 'asc')
  const by = sql.join(list.map((column) => sql`${column} ${direction}`))
  const start = query.position?.key.map((text, index) => table.value(columns[index] ?? '', text))
  const comparison = sql.raw(isDown ? '<' : '>')
  const after = start ? [sql`(${sql.join(list)}) ${comparison} (${sql.join(start)})`] : []
  return { by, columns, after, isReversed }
}

/** A sort key as text that reads back to exactly the same value, whatever the session's DateStyle. */
function keyText(table: Table, name: string): RawBuilder<unknown> {
  const column = table.column(name)
  return table.typeOf(name).startsWith('timestamp')
    ? sql`to_json(${column})#>>'{}'`
    : sql`${column}::text`
}

function propertyOf(table: Table, field: string): string {
  const [property] = table.resource.fields[field]?.columns ?? []
  if (!property) {
    throw new Error(`${table.resource.name} has no field ${field}`)
  }
  return property
}
