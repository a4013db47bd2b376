import { sql, type RawBuilder } from 'kysely'
import { slot } from './prepared.ts'
import type { ConditionShape, Shape } from './shape.ts'
import { boundaries, later, present, sourceOf, visible, type Source } from './source.ts'
import { columnOf } from './column-of.ts'
import type { Table } from './table.ts'

/** One value of a filter that has several: the `nth` of the condition at `index`. */
export type Choice = { readonly index: number; readonly nth: number }

/** What a list is narrowed to: what the caller may see, the item it lives below, its filters.
 *  @param chosen instead of all the values of one filter, only this one */
export function conditionsOf(source: Source, shape: Shape, chosen?: Choice): RawBuilder<unknown>[] {
  const { table } = source
  const link = table.resource.parent
  const below =
    shape.parent && link
      ? [sql`${source.column(link.column)} = ${table.cast(link.column, slot('parent'))}`]
      : []
  const narrowed = shape.conditions.map((one, index) =>
    index === chosen?.index
      ? narrow(source, { ...one, isMany: false }, slot(`value${index}_${chosen.nth}`))
      : narrow(source, one, slot(`value${index}`)),
  )
  return [...visible(source, shape.hasMember), ...below, ...narrowed]
}

/** The values of the first filter with several, each to be looked up by itself: a list of the rows with one value is a range
 *  of an index, and ranges are merged; of rows with one of several values PostgreSQL would sort all, or look at all.
 *  Only types in which values that are written differently differ, else rows would come twice. */
export function choicesOf({ table }: Source, { conditions }: Shape): readonly Choice[] {
  const index = conditions.findIndex(
    ({ field, operator, ways }) =>
      operator === 'in' && ways > 1 && splittable.test(table.typeOf(columnOf(table, field))),
  )
  return Array.from({ length: conditions[index]?.ways ?? 0 }, (_, nth) => ({ index, nth }))
}

const splittable = /^(text|varchar|uuid)/

function narrow(
  source: Source,
  { field, operator, isMany }: Omit<ConditionShape, 'ways'>,
  value: RawBuilder<unknown>,
): RawBuilder<unknown> {
  if (operator === 'search') {
    return matches(source, value)
  }
  const { table } = source
  const property = columnOf(table, field)
  const column = source.column(property)
  if (operator === 'in' && isMany) {
    return sql`${column} = any (${table.cast(property, value, '[]')})`
  }
  const comparison = { in: '=', from: '>=', before: '<' }[operator]
  return sql`${column} ${sql.raw(comparison)} ${table.cast(property, value)}`
}

/** The values of the equality filters as PostgreSQL reads them, by field: an upper-case uuid is the same as its twin. */
export function membershipOf({ table }: Source, { conditions }: Shape): RawBuilder<unknown> {
  const equal = conditions.flatMap(({ field, operator, isMany }, index) => {
    const property = operator === 'in' ? columnOf(table, field) : undefined
    return property === undefined
      ? []
      : [
          sql`${sql.lit(field)}::text, ${table.cast(property, slot(`value${index}`), isMany ? '[]' : undefined)}`,
        ]
  })
  return equal.length > 0 ? sql`json_build_object(${sql.join(equal)})` : sql`null`
}

// Full text finds the words in any of their forms; similarity finds what was typed with an error. Both have an index,
// and PostgreSQL joins what the two find.

/** The least similarity to a word of the text that counts as the same word mistyped. One letter wrong in a word of six
 *  leaves four of its seven trigrams, 0.57, and in a word of five half of them; pg_trgm's own 0.6 finds neither. */
const similarityMin = '0.45'

/** How words are brought to their stems; the same as in the generated columns that are searched. */
const language = sql.lit('english')

function matches(source: Source, wanted: RawBuilder<unknown>): RawBuilder<unknown> {
  const { vector, similar } = searchOf(source.table)
  // The operator's threshold is a setting of the session, and a pool has many: it is set, for this statement alone, by the
  // expression that the index look-up has to have evaluated before it begins.
  const mistyped = sql`(select case when set_config('pg_trgm.word_similarity_threshold', ${sql.lit(similarityMin)}, true) is not null then ${wanted}::text end)`
  return sql`(${source.column(vector)} @@ websearch_to_tsquery(${language}, ${wanted}::text) or ${mistyped} <% ${source.column(similar)})`
}

/** How well a row answers a search: rank of the words plus likeness of the text, six decimals, so that it compares exactly. */
export function relevanceOf(source: Source, { conditions }: Shape): RawBuilder<unknown> {
  const { vector, similar } = searchOf(source.table)
  const wanted = slot(`value${conditions.findIndex(({ operator }) => operator === 'search')}`)
  const rank = sql`ts_rank(${source.column(vector)}, websearch_to_tsquery(${language}, ${wanted}::text))`
  return sql`round((${rank} + word_similarity(${wanted}::text, ${source.column(similar)}))::numeric, 6)`
}

function searchOf({ resource }: Table) {
  if (!resource.search) {
    throw new Error(`${resource.name} cannot be searched`)
  }
  return resource.search
}

/** Which row it is, and that the caller may see it. */
export function visibleRow(source: Source, hasMember: boolean, key: string): RawBuilder<unknown>[] {
  const [property = ''] = source.table.primaryKey
  const isIt = sql`${source.column(property)} = ${source.table.cast(property, slot(key))}`
  return [isIt, ...visible(source, hasMember)]
}

/** Whether the item that a list lives below is there for the caller. */
export function parentFound({ parent, hasMember }: Shape): RawBuilder<unknown> {
  if (!parent) {
    return sql`true`
  }
  const source = sourceOf(parent, 'p')
  const isThere = [...visibleRow(source, hasMember, 'parent'), ...present(source)]
  const where = sql.join(isThere, sql` and `)
  return sql`exists (select from ${parent.from('p')} where ${where})`
}

/** The next instant at which that item comes or goes by the clock alone; nothing where there is no such instant. */
export function parentUntil({ parent, hasMember }: Shape): RawBuilder<unknown>[] {
  const source = parent && sourceOf(parent, 'p')
  const passing = source ? boundaries(source).map(later) : []
  if (!source || passing.length === 0) {
    return []
  }
  const where = sql.join(visibleRow(source, hasMember, 'parent'), sql` and `)
  return [sql`(select least(${sql.join(passing)}) from ${source.table.from('p')} where ${where})`]
}
