import { sql, type RawBuilder } from 'kysely'
import type { Condition, ListQuery, OffsetQuery, Scope } from './list-query.ts'
import { slot, type SlotValues } from './prepared.ts'
import type { Table } from './table.ts'

/**
 * The statements of a declared read. PostgreSQL builds the JSON text of the answer and Node moves bytes; what else
 * the page needs (sort keys for the cursors, whether there is more, the total) comes back beside it in the same row.
 * A statement depends on the shape of the read alone; every value has a slot (docs/decisions/0004).
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

/** What the texts of the statements depend on, and nothing else. */
export type Shape = {
  readonly hasMember: boolean
  readonly parent?: Table
  readonly conditions: readonly (Pick<Condition, 'field' | 'operator'> & {
    readonly isMany: boolean
  })[]
  readonly sort: string
  /** Part of the text: with a parameter PostgreSQL would expect a tenth of the table and plan anew each time. */
  readonly limit: number
  readonly direction?: 'next' | 'prev'
  readonly fields?: readonly string[]
  readonly isCounted: boolean
}

export function shapeOf(
  { scope, parent }: Place,
  query: Pick<ListQuery, 'conditions' | 'sort' | 'limit'> & Partial<ListQuery>,
): Shape {
  const { conditions, sort, limit, position, fields, isCounted = false } = query
  return {
    hasMember: scope.memberId !== undefined,
    conditions: conditions.map(({ field, operator, values }) => ({
      field,
      operator,
      isMany: values.length > 1,
    })),
    sort,
    limit,
    isCounted,
    ...(parent && { parent: parent.table }),
    ...(position && { direction: position.direction }),
    ...(fields && { fields }),
  }
}

/** A text that is equal for equal shapes. */
export function shapeKey(kind: string, { parent, ...shape }: Shape): string {
  return JSON.stringify([kind, parent?.resource.name, shape])
}

/** The values for the slots of a list. */
export function listValues(place: Place, query: ListQuery | OffsetQuery): SlotValues {
  const { conditions, limit } = query
  const key = 'position' in query ? (query.position?.key ?? []) : []
  const skipped = 'page' in query ? (query.page - 1) * limit : 0
  return {
    ...scopeValues(place.scope),
    parent: place.parent?.id,
    skipped,
    ...Object.fromEntries(key.map((text, index) => [`key${index}`, text])),
    ...Object.fromEntries(
      conditions.map(({ values }, index) => [
        `value${index}`,
        values.length > 1 ? values : values[0],
      ]),
    ),
  }
}

/** The values for the slots of one item. */
export function itemValues(scope: Scope, id: string): SlotValues {
  return { ...scopeValues(scope), id }
}

function scopeValues({ organisationId, memberId }: Scope): SlotValues {
  return { organisation: organisationId, member: memberId }
}

/** One page by cursor; always exactly one row. Slots: those of `listValues`. */
export function pageStatement(table: Table, shape: Shape): RawBuilder<PageRow> {
  const limit = sql.lit(shape.limit)
  const order = orderOf(table, shape)
  const where = conditionsOf(table, shape)
  const total = shape.isCounted ? countOf(table, where) : sql`null`
  const inOrder = sql.raw(order.isReversed ? 'desc' : 'asc')
  // A cursor leads on from the far edge only when there is more, and then that edge is row number `limit`.
  const nearEdge = keyText(order.keys, sql`n = 1`)
  const farEdge = keyText(order.keys, sql`n = ${limit}`)
  return sql<PageRow>`
    with page as (
      select row_number() over (order by ${order.by}) as n, row_to_json(item)::text as item,
             ${sql.join(order.keys.map(({ column, alias }) => sql`${column} as ${alias}`))}
        from ${table.from}
       cross join lateral ${itemOf(table, shape.fields)}
       where ${sql.join([...where, ...order.after], sql` and `)}
       order by ${order.by}
       limit ${sql.lit(shape.limit + 1)}
    )
    select '[' || coalesce(string_agg(item, ',' order by n ${inOrder}) filter (where n <= ${limit}), '') || ']' as body,
           count(*) > ${limit} as has_more,
           ${order.isReversed ? farEdge : nearEdge} as first_key,
           ${order.isReversed ? nearEdge : farEdge} as last_key,
           ${total} as total,
           ${parentFound(shape)} as parent_found
      from page`
}

/** One page by number, with the total that version 1 promised. Slots: those of `listValues`. */
export function offsetStatement(
  table: Table,
  shape: Shape,
): RawBuilder<{ readonly body: string; readonly total: string }> {
  const order = orderOf(table, shape)
  const where = conditionsOf(table, shape)
  return sql`
    with page as (
      select row_number() over (order by ${order.by}) as n, row_to_json(item)::text as item
        from ${table.from}
       cross join lateral ${itemOf(table)}
       where ${sql.join(where, sql` and `)}
       order by ${order.by}
       limit ${sql.lit(shape.limit)} offset ${slot('skipped')}::bigint
    )
    select '[' || coalesce(string_agg(item, ',' order by n), '') || ']' as body,
           ${countOf(table, where)} as total
      from page`
}

type ItemShape = Pick<Shape, 'hasMember' | 'fields'>

/** One item by its primary key; no row when the caller may not see it. Slots: those of `itemValues`. */
export function itemStatement(
  table: Table,
  shape: ItemShape,
): RawBuilder<{ readonly body: string }> {
  const row = visibleRow(table, shape.hasMember, 'id')
  const item = sql`cross join lateral ${itemOf(table, shape.fields)}`
  return sql`select row_to_json(item)::text as body from ${table.from} ${item} where ${row}`
}

/** Which row it is, and that the caller may see it. */
function visibleRow(table: Table, hasMember: boolean, key: string): RawBuilder<unknown> {
  const { primaryKey } = table
  const isIt = sql`${table.column(primaryKey)} = ${table.cast(primaryKey, slot(key))}`
  return sql.join([isIt, ...visible(table, hasMember)], sql` and `)
}

/** The asked-for fields beside their row. Joined rather than selected in an expression: PostgreSQL dissolves the join, but
 *  would start a plan of its own for the expression, row by row. */
function itemOf(table: Table, names?: readonly string[]): RawBuilder<unknown> {
  const fields = Object.entries(table.resource.fields)
    .filter(([name]) => names?.includes(name) ?? true)
    .map(([name, field]) => sql`${field.render(table.column)} as ${sql.ref(name)}`)
  return sql`(select ${sql.join(fields)}) as item`
}

function conditionsOf(table: Table, shape: Shape): RawBuilder<unknown>[] {
  const link = table.resource.parent
  const below =
    shape.parent && link
      ? [sql`${table.column(link.column)} = ${table.cast(link.column, slot('parent'))}`]
      : []
  const narrowed = shape.conditions.map((one, index) => narrow(table, one, `value${index}`))
  return [...visible(table, shape.hasMember), ...below, ...narrowed]
}

/** Rows that the caller may see: a statement without them cannot be built, and one without an organisation finds none. */
function visible(table: Table, hasMember: boolean): RawBuilder<unknown>[] {
  const { visibility, removedAt, only } = table.resource
  const conditions = [sql`true`]
  for (const [property, value] of Object.entries(only)) {
    conditions.push(sql`${table.column(property)} is ${sql.raw(String(value))}`)
  }
  if (visibility !== 'public') {
    const { organisation, member } = visibility
    conditions.push(sql`${table.column(organisation)} = ${slot('organisation')}::uuid`)
    if (hasMember && member) {
      conditions.push(sql`${table.column(member)} = ${slot('member')}::uuid`)
    }
  }
  if (removedAt) {
    conditions.push(sql`${table.column(removedAt)} is null`)
  }
  return conditions
}

function parentFound({ parent, hasMember }: Shape): RawBuilder<unknown> {
  return parent
    ? sql`exists (select from ${parent.from} where ${visibleRow(parent, hasMember, 'parent')})`
    : sql`true`
}

function countOf(table: Table, where: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  return sql`(select count(*) from ${table.from} where ${sql.join(where, sql` and `)})`
}

function narrow(
  table: Table,
  { field, operator, isMany }: Shape['conditions'][number],
  value: string,
): RawBuilder<unknown> {
  const property = propertyOf(table, field)
  const column = table.column(property)
  if (operator === 'in' && isMany) {
    return sql`${column} = any (${table.cast(property, slot(value), '[]')})`
  }
  const comparison = { in: '=', from: '>=', before: '<' }[operator]
  return sql`${column} ${sql.raw(comparison)} ${table.cast(property, slot(value))}`
}

/** The order of the rows as they are fetched (backwards for a page before the cursor), and where it starts. */
function orderOf(table: Table, { sort, direction }: Shape) {
  const isReversed = direction === 'prev'
  const isDown = sort.startsWith('-') !== isReversed
  const properties = [...new Set([propertyOf(table, sort.replace(/^-/, '')), table.primaryKey])]
  const keys = properties.map((name, index): Key => {
    const isInstant = table.typeOf(name).startsWith('timestamp')
    return { column: table.column(name), alias: sql.ref(`key${index}`), isInstant }
  })
  const list = keys.map(({ column }) => column)
  const by = sql.join(list.map((column) => sql`${column} ${sql.raw(isDown ? 'desc' : 'asc')}`))
  const start = properties.map((name, index) => table.cast(name, slot(`key${index}`)))
  const comparison = sql.raw(isDown ? '<' : '>')
  const after = direction ? [sql`(${sql.join(list)}) ${comparison} (${sql.join(start)})`] : []
  return { by, keys, after, isReversed }
}

type Key = {
  readonly column: RawBuilder<unknown>
  readonly alias: RawBuilder<unknown>
  readonly isInstant: boolean
}

/** The sort key of one row of the page, as text that reads back to exactly the same values whatever the session's
 *  DateStyle; null when the page has no such row. An aggregate's filter goes first, so only that row's text is made. */
function keyText(keys: readonly Key[], row: RawBuilder<unknown>): RawBuilder<unknown> {
  const texts = keys.map(({ alias, isInstant }) => {
    const text = isInstant ? sql`to_json(${alias})#>>'{}'` : sql`${alias}::text`
    return sql`max(${text}) filter (where ${row})`
  })
  return sql`case when count(*) filter (where ${row}) > 0 then json_build_array(${sql.join(texts)})::text end`
}

function propertyOf(table: Table, field: string): string {
  const [property] = table.resource.fields[field]?.columns ?? []
  if (!property) {
    throw new Error(`${table.resource.name} has no field ${field}`)
  }
  return property
}
