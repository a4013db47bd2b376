import { readCursor, type CursorKey, type Position } from './cursor.ts'
import type { Resource } from './define-resource.ts'
import { everything, type Selection } from './selection.ts'
import { Parameters } from './parameters.ts'
import { plainSorts } from './sort.ts'

/** What one caller may see; it comes from the credential, never from the request. */
export type Scope = { readonly organisationId?: string; readonly memberId?: string }

/** How rows are counted: not at all, by the planner's estimate, or one by one. */
export type Count = (typeof counts)[number]
export const counts = ['none', 'estimated', 'exact'] as const

/** One narrowing of a list: `from` is inclusive, `before` exclusive, `in` matches any of the values, `search` looks for
 *  words and has no field. */
export type Condition = {
  readonly field: string
  readonly operator: 'in' | 'from' | 'before' | 'search'
  readonly values: readonly string[]
}

export type ListQuery = {
  readonly conditions: readonly Condition[]
  /** A member of the resource's `sorts`. */
  readonly sort: string
  readonly limit: number
  readonly position?: Position
  readonly selection: Selection
  readonly count: Count
  /** What a cursor of this list is good for: resource, caller's scope, parent, sort and filters. */
  readonly binding: string
}

export type OffsetQuery = Omit<ListQuery, 'binding' | 'position'> & { readonly page: number }

type Listing = { readonly resource: Resource; readonly scope: Scope; readonly parentId?: string }

/** The deepest page that version 1 serves; version 2 has no such limit. */
const pageMax = 100_000

/** The parameters that every list has beside its filters. */
export const listParameters = ['limit', 'cursor', 'sort', 'fields', 'expand', 'count'] as const

/** Parses the query string of a version 2 list.
 *  @throws {Problem} read/invalid-query with every fault at once; read/invalid-cursor */
export function parseListQuery(
  listing: Listing,
  search: string,
  ring: readonly CursorKey[],
): ListQuery {
  const { resource, scope, parentId } = listing
  const parsing = new Parameters(resource, search, listParameters)
  const conditions = parsing.conditions()
  const isSearch = conditions.some(({ operator }) => operator === 'search')
  const sorts = isSearch ? resource.sorts : plainSorts(resource.sorts)
  const names = sorts.map(({ name }) => name)
  const sort = parsing.choice('sort', names) ?? names[0] ?? resource.sorts[0].name
  const limit = parsing.whole('limit', resource.page.limitMax) ?? resource.page.limitDefault
  const selection = parsing.selection()
  const count = parsing.choice('count', counts) ?? 'none'
  parsing.finish()
  const binding = JSON.stringify([
    [resource.name, scope.organisationId, scope.memberId, parentId, sort],
    conditions.map(({ field, operator, values }) => [field, operator, values]),
  ])
  const cursor = parsing.single('cursor')
  const position = cursor === undefined ? undefined : readCursor(ring, binding, cursor)
  return {
    conditions,
    sort,
    limit,
    selection,
    count,
    binding,
    ...(position && { position }),
  }
}

/** Parses the query string of a version 1 list: `page` and `limit`.  @throws {Problem} read/invalid-query */
export function parseOffsetQuery(resource: Resource, search: string): OffsetQuery {
  const parsing = new Parameters(resource, search, ['page', 'limit'])
  const conditions = parsing.conditions()
  const limit = parsing.whole('limit', resource.page.limitMax) ?? resource.page.limitDefault
  const page = parsing.whole('page', pageMax) ?? 1
  parsing.finish()
  const sort = resource.sorts[0].name
  return { conditions, sort, limit, page, selection: everything, count: 'exact' }
}

/** Parses the query string of a detail: `fields` and `expand`.  @throws {Problem} read/invalid-query */
export function parseItemQuery(resource: Resource, search: string): Selection {
  const bare = { ...resource, filters: {}, filtersRequired: [] }
  const parsing = new Parameters(bare, search, ['fields', 'expand'])
  const selection = parsing.selection()
  parsing.finish()
  return selection
}
