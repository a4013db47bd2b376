/**
 * What an answer was made from. A tag is a name that changes carry:
 * - `products`: something happened to the table that was not told row by row (TRUNCATE, more than 500 rows, an operator);
 *   every answer that read the table has it
 * - `products:42`: the row with that primary key was inserted, changed or deleted
 * - `products.category_id=7`: any of the rows with that value was, before or after; for columns that narrow what is read:
 *   organisation, parent
 * - `products.*`: any row of the table was
 * - `@…`: of no table; only operators send it. `@key=…` is the tag of the one answer with that key, and is in no list: whoever
 *   compares knows the key
 * Values stand in tags as PostgreSQL writes them, or an upper-case uuid would have an answer of its own that nothing
 * invalidates.
 */
export type Dependencies = {
  readonly tags: readonly string[]
  readonly memberships: readonly Membership[]
}

/** A list depends on the rows that are in it, which have tags, and on which rows could come into it: those that fulfil all
 *  conditions and whose sort key lies in the page's interval, before a change or after it. */
export type Membership = {
  /** The tag under which changes of all rows that could be in the list are found: `products.organisation_id=…`. */
  readonly collection: string
  /** The values that a row must have, by column, as text. */
  readonly equal: readonly (readonly [column: string, values: readonly string[]])[]
  /** Where the page lies in its order. Absent: anywhere, as for counts, pages by number and orders that only PostgreSQL knows. */
  readonly interval?: Interval
}

export type Interval = {
  /** All in one direction, none with NULLs. */
  readonly columns: readonly SortColumn[]
  readonly isDown: boolean
  /** The sort keys at both ends in the order of the list, inclusive; absent where the list begins or ends there. */
  readonly first?: readonly string[]
  readonly last?: readonly string[]
}

/** How values of a column compare: texts code point by code point, numbers as decimals, instants as ISO 8601 of any zone. */
export type SortColumn = { readonly name: string; readonly type: 'text' | 'number' | 'instant' }

export const tableTag = (table: string): string => table
export const rowTag = (table: string, id: string): string => `${table}:${id}`
export const valueTag = (table: string, column: string, value: string): string =>
  `${table}.${column}=${value}`
export const anyRowTag = (table: string): string => `${table}.*`
export const keyTag = (key: string): string => `@key=${key}`

/** The tables that tags are about. */
export function tablesOfTags(tags: readonly string[]): readonly string[] {
  const ofTables = tags.filter((tag) => !tag.startsWith('@'))
  return [...new Set(ofTables.map((tag) => /^[^:.]*/.exec(tag)?.[0] ?? tag))]
}
