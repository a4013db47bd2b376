import { sql, type RawBuilder } from 'kysely'
import { conditionsOf, membershipOf, parentFound, relevanceOf, visibleRow } from './conditions.ts'
import { besides, linksOf, type FilledRow } from './beside.ts'
import { columnsOf, itemOf } from './item.ts'
import { keyAlias, keyText, orderOf, relevance, type Order } from './keyset.ts'
import { slot, type Compile } from './prepared.ts'
import type { ItemShape, Shape } from './shape.ts'
import { present, sourceOf, type Source } from './source.ts'
import type { Table } from './table.ts'

/**
 * The statements of a declared read. PostgreSQL builds the JSON text of the answer and Node moves bytes; what else the
 * answer's entry in a cache needs comes back beside it in the same row, whatever the fields. A statement depends on
 * the shape of the read alone; every value has a slot (docs/decisions/0004).
 */
export type PageRow = FilledRow & {
  readonly has_more: boolean
  readonly first_key: string | null
  readonly last_key: string | null
  readonly total: string | null
  /** JSON: the values of the equality filters as PostgreSQL reads them. */
  readonly membership: string
  readonly parent_found: boolean
}

export type OffsetRow = FilledRow & { readonly total: string }

/** One page by cursor; always exactly one row. Slots: those of `listValues`. */
export function pageStatement(table: Table, shape: Shape, compile: Compile): RawBuilder<PageRow> {
  const source = sourceOf(table, 't')
  const order = orderOf(source, sortOf(table, shape), shape.start)
  const rows = rowsOf(source, shape, order)
  const isReversed = shape.start?.direction === 'prev'
  const limit = sql.lit(shape.limit)
  // A cursor leads on from the far edge only when there is more, and then that edge is row number `limit`.
  const near = keyText(order.keys, sql`n = 1`)
  const far = keyText(order.keys, sql`n = ${limit}`)
  const inOrder = sql.raw(isReversed ? 'desc' : 'asc')
  return sql<PageRow>`
    select '[' || coalesce(string_agg(item, ',' order by n ${inOrder}) filter (where n <= ${limit}), '') || ']' as body,
           count(*) > ${limit} as has_more,
           ${isReversed ? far : near} as first_key,
           ${isReversed ? near : far} as last_key,
           ${totalOf(source, shape, compile)} as total,
           ${parentFound(shape)} as parent_found,
           ${membershipOf(source, shape)} as membership,
           ${besides(source, shape, conditionsOf(source, shape))}
      from (
        select row_number() over (order by ${order.by}) as n, row_to_json(item)::text as item,
               ${sql.join(order.keys.map(({ column }, index) => sql`${column} as ${keyAlias(index)}`))},
               ${linksOf(source, shape)}
          from ${rows.from} ${itemOf(source, shape.selection, shape.hasMember)}
         where ${rows.where}
         order by ${order.by}
         limit ${sql.lit(shape.limit + 1)}
      ) as page`
}

/** One page by number, with the total that version 1 promised. Slots: those of `listValues`. */
export function offsetStatement(table: Table, shape: Shape): RawBuilder<OffsetRow> {
  const source = sourceOf(table, 't')
  const order = orderOf(source, sortOf(table, shape))
  const where = sql.join([...conditionsOf(source, shape), ...present(source)], sql` and `)
  return sql<OffsetRow>`
    select '[' || coalesce(string_agg(item, ',' order by n), '') || ']' as body,
           (select count(*) from ${table.from('t')} where ${where})::text as total,
           ${besides(source, shape, conditionsOf(source, shape))}
      from (
        select row_number() over (order by ${order.by}) as n, row_to_json(item)::text as item,
               ${linksOf(source, shape)}
          from ${table.from('t')} ${itemOf(source, shape.selection, shape.hasMember)}
         where ${where}
         order by ${order.by}
         limit ${sql.lit(shape.limit)} offset ${slot('skipped')}::bigint
      ) as page`
}

/** One item by its primary key; no row when the caller may not see it. Slots: those of `itemValues`. */
export function itemStatement(table: Table, shape: ItemShape): RawBuilder<FilledRow> {
  const { hasMember, selection } = shape
  const source = sourceOf(table, 't')
  const where = sql.join([...visibleRow(source, hasMember, 'id'), ...present(source)], sql` and `)
  return sql<FilledRow>`
    select min(item) as body, ${besides(source, shape)}
      from (select 1 as n, row_to_json(item)::text as item, ${linksOf(source, shape)}
              from ${table.from('t')} ${itemOf(source, selection, hasMember)}
             where ${where}) as page
    having count(*) > 0`
}

/** The rows that a page is taken from: those of the table; or for what a row comparison cannot say, of a sub-select that
 *  has the columns that the page needs and no others. */
function rowsOf(source: Source, shape: Shape, order: Order) {
  const { table, alias } = source
  const where = [...conditionsOf(source, shape), ...present(source)]
  const isRanked = order.keys.some(({ name }) => name === relevance.name)
  const [first = [], ...others] = order.branches
  if (others.length === 0 && !isRanked) {
    return { from: table.from(alias), where: sql.join([...where, ...first], sql` and `) }
  }
  const columns = columnsNeeded(source, shape, order).map(source.column)
  const ranked = isRanked ? [sql`${relevanceOf(source, shape)} as ${sql.ref(relevance.name)}`] : []
  const select = (conditions: readonly RawBuilder<unknown>[]) =>
    sql`select ${sql.join([...columns, ...ranked])} from ${table.from(alias)} where ${sql.join(conditions, sql` and `)}`
  const all = isRanked ? [select(where)] : order.branches.map((one) => select([...where, ...one]))
  const from = sql`(${sql.join(all, sql` union all `)}) as ${sql.ref(alias)}`
  return { from, where: isRanked ? sql.join([sql`true`, ...first], sql` and `) : sql`true` }
}

function columnsNeeded(source: Source, { selection }: Shape, { keys }: Order): readonly string[] {
  const { boundary } = source.table.resource
  const all = [
    ...source.table.primaryKey,
    ...keys.map(({ name }) => name).filter((name) => name !== relevance.name),
    ...columnsOf(source, selection),
    ...[boundary.from, boundary.until].filter((name) => name !== undefined),
  ]
  return [...new Set(all)]
}

/** The number of rows behind all pages, as text; null unless it was asked for. */
function totalOf(source: Source, shape: Shape, compile: Compile): RawBuilder<unknown> {
  const where = [...conditionsOf(source, shape), ...present(source)]
  const from = source.table.from(source.alias)
  if (shape.count === 'none') {
    return sql`null`
  }
  if (shape.count === 'exact') {
    return sql`(select count(*) from ${from} where ${sql.join(where, sql` and `)})::text`
  }
  // The planner is asked, with the values of this read; it counts nothing.
  const { text, slots } = compile(sql`select from ${from} where ${sql.join(where, sql` and `)}`)
  const question = text.replaceAll(/\$(\d+)/g, (_, place) => `($1)[${place}]`)
  const values = slots.map((name) => sql`${slot(name)}::text`)
  return sql`estimate_rows(${sql.lit(question)}, array[${sql.join(values)}]::text[])::text`
}

function sortOf({ resource }: Table, { sort }: Shape) {
  return resource.sorts.find(({ name }) => name === sort) ?? resource.sorts[0]
}
