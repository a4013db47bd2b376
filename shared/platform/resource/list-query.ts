import { readCursor, type CursorKey, type Position } from './cursor.ts'
import type { Resource } from './define-resource.ts'
import { Parameters } from './parameters.ts'

/** What one caller may see; it comes from the credential, never from the request. */
export type Scope = { readonly organisationId?: string; readonly memberId?: string }

/** One narrowing of a list: `from` is inclusive, `before` exclusive, `in` matches any of the values. */
export type Condition = {
  readonly field: string
  readonly operator: 'in' | 'from' | 'before'
  readonly values: readonly string[]
}

export type ListQuery = {
  readonly conditions: readonly Condition[]
  /** A member of the resource's `sorts`. */
  readonly sort: string
  readonly limit: number
  readonly position?: Position
  /** Absent means every field. */
  readonly fields?: readonly string[]
  readonly isCounted: boolean
  /** What a cursor of this list is good for: resource, caller's scope, parent, sort and filters. */
  readonly binding: string
}

export type OffsetQuery = Pick<ListQuery, 'conditions' | 'sort' | 'limit'> & {
  readonly page: number
}

type Listing = { readonly resource: Resource; readonly scope: Scope; readonly parentId?: string }

/** The deepest page that version 1 serves; version 2 has no such limit. */
const pageMax = 100_000

/** Parses the query string of a version 2 list.
 *  @throws {Problem} read/invalid-query with every fault at once; read/invalid-cursor */
export function parseListQuery(
  listing: Listing,
  search: string,
  ring: readonly CursorKey[],
): ListQuery {
  const { resource, scope, parentId } = listing
  const parsing = new Parameters(resource, search, ['limit', 'cursor', 'sort', 'fields', 'count'])
  const conditions = parsing.conditions()
  const sort = parsing.choice('sort', resource.sorts) ?? resource.sorts[0]
  const limit = parsing.whole('limit', resource.page.limitMax) ?? resource.page.limitDefault
  const fields = parsing.fields()
  const isCounted = parsing.choice('count', ['none', 'exact']) === 'exact'
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
    isCounted,
    binding,
    ...(fields && { fields }),
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
  return { conditions, sort: resource.sorts[0], limit, page }
}

/** Parses the query string of a detail: only `fields`.  @throws {Problem} read/invalid-query */
export function parseItemQuery(
  resource: Resource,
  search: string,
): { readonly fields?: readonly string[] } {
  const parsing = new Parameters({ ...resource, filters: {}, filtersRequired: [] }, search, [
    'fields',
  ])
  const fields = parsing.fields()
  parsing.finish()
  return fields ? { fields } : {}
}
