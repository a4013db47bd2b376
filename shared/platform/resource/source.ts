import { sql, type RawBuilder } from 'kysely'
import { slot } from './prepared.ts'
import type { Table } from './table.ts'

/** A table under the name that it has in one place of a statement. */
export type Source = {
  readonly table: Table
  readonly alias: string
  readonly column: (property: string) => RawBuilder<unknown>
}

export function sourceOf(table: Table, alias: string): Source {
  return { table, alias, column: (property) => sql.ref(`${alias}.${table.columnName(property)}`) }
}

/** The instant of the read. Statements never ask the clock, so that equal questions have equal answers. */
export const readAt = sql`${slot('at')}::timestamptz`

/** Rows that the caller may see: a statement without them cannot be built, and one without an organisation finds none. */
export function visible(source: Source, hasMember: boolean): RawBuilder<unknown>[] {
  const { visibility, removedAt, only } = source.table.resource
  const conditions = [sql`true`]
  for (const [property, value] of Object.entries(only)) {
    const literal = typeof value === 'string' ? sql`= ${sql.lit(value)}` : sql`is ${sql.lit(value)}`
    conditions.push(sql`${source.column(property)} ${literal}`)
  }
  if (visibility !== 'public') {
    const { organisation, member } = visibility
    conditions.push(sql`${source.column(organisation)} = ${slot('organisation')}::uuid`)
    if (hasMember && member) {
      conditions.push(sql`${source.column(member)} = ${slot('member')}::uuid`)
    }
  }
  if (removedAt) {
    conditions.push(sql`${source.column(removedAt)} is null`)
  }
  return conditions
}

/** Rows that are there at the instant of the read. */
export function present(source: Source): RawBuilder<unknown>[] {
  const { from, until } = source.table.resource.boundary
  return [
    ...(from ? [sql`${source.column(from)} <= ${readAt}`] : []),
    ...(until
      ? [sql`(${source.column(until)} is null or ${source.column(until)} > ${readAt})`]
      : []),
  ]
}

/** The columns whose passing changes an answer, of rows that are there now or will be. */
export function boundaries(source: Source): RawBuilder<unknown>[] {
  const { from, until } = source.table.resource.boundary
  return [from, until].flatMap((property) => (property ? [source.column(property)] : []))
}

/** The earliest instant after the read at which one of the columns is passed, over the rows of a group. */
export function nextPassing(columns: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  const each = columns.map((column) => sql`min(${column}) filter (where ${column} > ${readAt})`)
  return sql`least(${sql.join(each)})`
}

/** A column of one row if it is still to be passed. */
export const later = (column: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`case when ${column} > ${readAt} then ${column} end`
