import { sql, type RawBuilder } from 'kysely'
import {
  choicesOf,
  conditionsOf,
  membershipOf,
  parentFound,
  relevanceOf,
  visibleRow,
} from './conditions.ts'
import { besides, idsOf, linksOf, listedUntil } from './beside.ts'
import { columnsOf, itemOf } from './item.ts'
import { keyAlias, keyAt, orderOf, relevance, type Order } from './keyset.ts'
import { slot, type Compile } from './prepared.ts'
import type { ItemShape, Shape } from './shape.ts'
import { later, present, sourceOf, type Source } from './source.ts'
import type { Table } from './table.ts'

/**
 * The statements of a declared read, each of them always one row of four columns. `body` is the JSON of the items, with a comma
 * between two of them: PostgreSQL builds it and Node moves bytes. `ids` are their primary keys, `stamp` is what the statement
 * saw, and `beside` is a small JSON object: what the answer's entry in a cache needs besides, whatever the fields. A statement
 * depends on the shape of the read alone; every value has a slot (docs/decisions/0004).
 *
 * Rows come to the aggregates in the order of the page, for they are the output of an ordered sub-select and no aggregate
 * here sorts its input. One that did (`order by` or `distinct` inside it) would turn the others' rows round as well.
 */
export type FilledRow = {
  readonly body: string | null
  readonly ids: string | null
  /** Epoch and snapshot with a space between them; null when the answer must not be kept. */
  readonly stamp: string | null
  readonly beside: string
}

/** What the statement sees. None where its transaction has written: that sees itself, and nobody else may. */
export const stamp = sql`case when pg_current_xact_id_if_assigned() is null
  then (select id from cache_epoch)::text || ' ' || pg_current_snapshot()::text end`

/** One page by cursor. Slots: those of `listValues`. */
export function pageStatement(table: Table, shape: Shape, compile: Compile): RawBuilder<FilledRow> {
  const source = sourceOf(table, 't')
  const order = orderOf(source, sortOf(table, shape), shape.start)
  const rows = rowsOf(source, shape, order)
  const keys = order.keys.map(({ column }, index) => sql`${column} as ${keyAlias(index)}`)
  const number = sql`row_number() over (order by ${order.by}) as n,`
  const item = itemOf(source, shape.selection, shape.hasMember)
  const isReversed = shape.start?.direction === 'prev'
  // Rows are counted from 1 as they are fetched. Row `limit + 1` only tells that there is more.
  const at = (n: number) => (isReversed ? sql`(count(*) - ${sql.lit(n - 1)})::integer` : sql.lit(n))
  const fetched = sql`
    select ${isReversed ? number : sql``} ${item} as item, ${sql.join(keys)}, ${linksOf(source, shape)}
      from ${rows.from}
     where ${rows.where}
     order by ${order.by}
     limit ${sql.lit(shape.limit + 1)}`
  const page = isReversed ? sql`select * from (${fetched}) as fetched order by n desc` : fetched
  return sql`
    select string_agg(item, ',') as body, ${idsOf(source)}, ${stamp} as stamp,
           json_build_object(
             'count', count(*),
             'beyondBytes', (array_agg(octet_length(item)))[${at(shape.limit + 1)}],
             'nearKey', ${keyAt(order.keys, at(1))},
             'farKey', ${keyAt(order.keys, at(shape.limit))},
             'total', ${totalOf(source, shape, compile)},
             'isParentFound', ${parentFound(shape)},
             'membership', ${membershipOf(source, shape)},
             ${besides(source, shape, listedUntil(source, shape, shape.count === 'exact'))}
           )::text as beside
      from (${page}) as page`
}

/** One page by number, with the total that version 1 promised. Slots: those of `listValues`. */
export function offsetStatement(table: Table, shape: Shape): RawBuilder<FilledRow> {
  const source = sourceOf(table, 't')
  const order = orderOf(source, sortOf(table, shape))
  const where = sql.join([...conditionsOf(source, shape), ...present(source)], sql` and `)
  // What is skipped is not made into JSON first.
  const columns = sql.join(columnsNeeded(source, shape, order).map(source.column))
  return sql`
    select string_agg(item, ',') as body, ${idsOf(source)}, ${stamp} as stamp,
           json_build_object(
             'total', (select count(*) from ${table.from('t')} where ${where}),
             ${besides(source, shape, listedUntil(source, shape, shape.count === 'exact'))}
           )::text as beside
      from (
        select ${itemOf(source, shape.selection, shape.hasMember)} as item, ${linksOf(source, shape)}
          from (
            select ${columns} from ${table.from('t')} where ${where}
             order by ${order.by} limit ${sql.lit(shape.limit)} offset ${slot('skipped')}::bigint
          ) as t
         order by ${order.by}
      ) as page`
}

/** One item by its primary key, or a null body when the caller may not see it. Slots: those of `itemValues`. */
export function itemStatement(table: Table, shape: ItemShape): RawBuilder<FilledRow> {
  const { hasMember, selection } = shape
  const source = sourceOf(table, 't')
  const where = sql.join([...visibleRow(source, hasMember, 'id'), ...present(source)], sql` and `)
  return sql`
    select min(item) as body, ${idsOf(source)}, ${stamp} as stamp,
           json_build_object(${besides(source, shape, appearing(source, hasMember))})::text as beside
      from (select ${itemOf(source, selection, hasMember)} as item, ${linksOf(source, shape)}
              from ${table.from('t')}
             where ${where}) as page`
}

/** When an item that is not there yet will be. */
function appearing(source: Source, hasMember: boolean): RawBuilder<unknown>[] {
  const { from } = source.table.resource.boundary
  const where = sql.join(visibleRow(source, hasMember, 'id'), sql` and `)
  return from
    ? [sql`(select ${later(source.column(from))} from ${source.table.from('t')} where ${where})`]
    : []
}

/** The rows that a page is taken from: those of the table; or for what one range of an index cannot say, of a sub-select that
 *  has the columns that the page needs and no others, and merges branches of which each is such a range. */
function rowsOf(source: Source, shape: Shape, order: Order) {
  const { table, alias } = source
  const there = present(source)
  const where = [...conditionsOf(source, shape), ...there]
  const choices = choicesOf(source, shape)
  const isRanked = order.keys.some(({ name }) => name === relevance.name)
  const [first = [], ...others] = order.branches
  if (others.length === 0 && choices.length === 0 && !isRanked) {
    return { from: table.from(alias), where: sql.join([...where, ...first], sql` and `) }
  }
  const columns = columnsNeeded(source, shape, order).map(source.column)
  const ranked = isRanked ? [sql`${relevanceOf(source, shape)} as ${sql.ref(relevance.name)}`] : []
  const select = (conditions: readonly RawBuilder<unknown>[]) =>
    sql`select ${sql.join([...columns, ...ranked])} from ${table.from(alias)} where ${sql.join(conditions, sql` and `)}`
  // A branch that did not say its order would be read whole: PostgreSQL asks none of a branch with conditions.
  const branch = (conditions: readonly RawBuilder<unknown>[]) =>
    sql`(${select(conditions)} order by ${order.by} limit ${sql.lit(shape.limit + 1)})`
  const ways =
    choices.length > 0
      ? choices.map((choice) => [...conditionsOf(source, shape, choice), ...there])
      : [where]
  const branches = ways.flatMap((way) => order.branches.map((one) => branch([...way, ...one])))
  const all = isRanked ? [select(where)] : branches
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

/** The number of rows behind all pages; null unless it was asked for. */
function totalOf(source: Source, shape: Shape, compile: Compile): RawBuilder<unknown> {
  const where = [...conditionsOf(source, shape), ...present(source)]
  const from = source.table.from(source.alias)
  if (shape.count === 'none') {
    return sql`null`
  }
  if (shape.count === 'exact') {
    return sql`(select count(*) from ${from} where ${sql.join(where, sql` and `)})`
  }
  // The planner is asked, with the values of this read; it counts nothing. The rows that are seen are the least.
  const { text, slots } = compile(sql`select from ${from} where ${sql.join(where, sql` and `)}`)
  const question = text.replaceAll(parameter, (found, place) => (place ? `($1)[${place}]` : found))
  const values = slots.map((name) => sql`${slot(name)}::text`)
  return sql`greatest(estimate_rows(${sql.lit(question)}, array[${sql.join(values)}]::text[]), count(*))`
}

/** A bind parameter, or a literal or name in which its like may stand. */
const parameter = /'[^']*'|"[^"]*"|\$(\d+)/g

function sortOf({ resource }: Table, { sort }: Shape) {
  return resource.sorts.find(({ name }) => name === sort) ?? resource.sorts[0]
}
