import type { Resource } from './define-resource.ts'

/** What `expand=<name>` shows inside an item. Resources are named by a function, since they may name each other. */
export type Expansion<Column extends string = string> =
  | { readonly kind: 'one'; readonly resource: () => Resource; readonly column: Column }
  | { readonly kind: 'many'; readonly resource: () => Resource; readonly limit: number }

/** The one item whose primary key stands in this row's column; null where there is none that the caller may see. */
export function one<Column extends string>(
  resource: () => Resource,
  column: Column,
): Expansion<Column> {
  return { kind: 'one', resource, column }
}

/** The first items of a list that lives below this item, in that list's default order, as `{ data, hasMore }`. */
export function many(resource: () => Resource, limit: number): Expansion<never> {
  return { kind: 'many', resource, limit }
}
