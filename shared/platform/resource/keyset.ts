import { sql, type RawBuilder } from 'kysely'
import { slot } from './prepared.ts'
import type { Sort } from './sort.ts'
import type { Source } from './source.ts'
import { columnOf } from './column-of.ts'

/**
 * The order of a list and where in it a page begins. The primary key ends every order, so it is total.
 * A row comparison `(a, b) < (x, y)` would serve only orders that go one way and know no NULL; an OR of the cases would be
 * filtered instead of looked up. So the general form is one branch for each case, in itself one range of the index, and
 * PostgreSQL merges the branches in order, reading of each no more than the page needs.
 */
export type Order = {
  readonly keys: readonly Key[]
  readonly by: RawBuilder<unknown>
  /** What rows after the cursor fulfil: one condition for each branch, none of them overlapping; one empty branch
   *  without a cursor. */
  readonly branches: readonly (readonly RawBuilder<unknown>[])[]
}

/** One column of the order, as the rows are fetched: backwards for a page before the cursor. */
export type Key = {
  /** The property, or `relevance`. */
  readonly name: string
  readonly column: RawBuilder<unknown>
  readonly value: RawBuilder<unknown>
  readonly isDown: boolean
  readonly isInstant: boolean
  /** Where NULLs stand as rows are fetched; absent where there are none. */
  readonly nulls?: 'first' | 'last'
}

/** A cursor as far as the text of the statement depends on it. */
export type Start = {
  readonly direction: 'next' | 'prev'
  /** Whether the row of the key is on the page. */
  readonly isInclusive: boolean
  /** Which values of its key are NULL. */
  readonly nulls: readonly boolean[]
}

/** The name and type under which a search's rank stands among the columns. */
export const relevance = { name: 'relevance', type: 'numeric' } as const

export function orderOf(source: Source, sort: Sort, start?: Start): Order {
  const keys = keysOf(source, sort, start?.direction === 'prev')
  const by = sql.join(
    keys.map(({ column, isDown, nulls }) => sql`${column} ${directionOf(isDown, nulls)}`),
  )
  return { keys, by, branches: start ? branchesOf(keys, start) : [[]] }
}

function keysOf({ table, alias, column }: Source, sort: Sort, isReversed: boolean): Key[] {
  const last = sort.keys.at(-1)?.isDown ?? false
  const wanted = sort.keys.map(({ field, isDown }) => {
    const name = field === relevance.name ? field : columnOf(table, field)
    return { name, isDown }
  })
  const sorted = wanted.map(({ name }) => name)
  const rest = table.primaryKey.filter((name) => !sorted.includes(name))
  return [...wanted, ...rest.map((name) => ({ name, isDown: last }))].map(
    ({ name, isDown }, index) => {
      const value = slot(`key${index}`)
      const turned = isDown !== isReversed
      if (name === relevance.name) {
        const rank = sql.ref(`${alias}.${relevance.name}`)
        return {
          name,
          column: rank,
          value: sql`${value}::${sql.raw(relevance.type)}`,
          isDown: turned,
          isInstant: false,
        }
      }
      const place = table.isNullable(name) ? sort.nulls : undefined
      const isInstant = table.typeOf(name).startsWith('timestamp')
      const nulls = place && (isReversed ? opposite[place] : place)
      const key = {
        name,
        column: column(name),
        value: table.cast(name, value),
        isDown: turned,
        isInstant,
      }
      return nulls ? { ...key, nulls } : key
    },
  )
}

const opposite = { first: 'last', last: 'first' } as const

function directionOf(isDown: boolean, nulls: Key['nulls']): RawBuilder<unknown> {
  return sql.raw(`${isDown ? 'desc' : 'asc'}${nulls ? ` nulls ${nulls}` : ''}`)
}

function branchesOf(keys: readonly Key[], { nulls: isNull, isInclusive }: Start) {
  const [first] = keys
  if (keys.every(({ isDown, nulls }) => isDown === first?.isDown && !nulls)) {
    const columns = sql.join(keys.map(({ column }) => column))
    const values = sql.join(keys.map(({ value }) => value))
    const comparison = (first?.isDown ? '<' : '>') + (isInclusive ? '=' : '')
    return [[sql`(${columns}) ${sql.raw(comparison)} (${values})`]]
  }
  const same = keys.map((key, index) => equals(key, isNull[index] ?? false))
  const further = keys.flatMap((key, index) =>
    beyond(key, isNull[index] ?? false).map((one) => [...same.slice(0, index), one]),
  )
  return isInclusive ? [same, ...further] : further
}

function equals({ column, value }: Key, isNull: boolean): RawBuilder<unknown> {
  return isNull ? sql`${column} is null` : sql`${column} = ${value}`
}

/** What stands after the key's value: greater values (or smaller ones), then NULLs where those come last. */
function beyond({ column, value, isDown, nulls }: Key, isNull: boolean): RawBuilder<unknown>[] {
  if (isNull) {
    return nulls === 'first' ? [sql`${column} is not null`] : []
  }
  const further = sql`${column} ${sql.raw(isDown ? '<' : '>')} ${value}`
  return nulls === 'last' ? [further, sql`${column} is null`] : [further]
}

/** The sort key of the n-th row of the page, as texts that read back to exactly the same values whatever the session's
 *  DateStyle: JSON writes instants by ISO 8601 with all their digits. */
export function keyAt(keys: readonly Key[], n: RawBuilder<unknown>): RawBuilder<unknown> {
  const values = keys.map(({ isInstant }, index) => {
    const value = sql`(array_agg(${keyAlias(index)}))[${n}]`
    return isInstant ? value : sql`${value}::text`
  })
  return sql`json_build_array(${sql.join(values)})`
}

export const keyAlias = (index: number): RawBuilder<unknown> => sql.ref(`key${index}`)
