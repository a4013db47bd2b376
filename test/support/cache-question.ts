import type { Filling } from '#platform/cache/entry'
import type { PreparedRunner } from '#platform/database/database'
import type { Position } from '#platform/resource/cursor'
import { parseItemQuery, parseListQuery, parseOffsetQuery } from '#platform/resource/list-query'
import type { Reader } from '#platform/resource/reader'
import { fillFrom } from '../../api/http/cached-read.ts'
import { categories } from '../../api/resources/categories.ts'
import { products } from '../../api/resources/products.ts'

/** A question to a shop, before it is asked of one process. */
export type Question = (reader: Reader) => {
  readonly organisationId: string
  readonly route: string
  readonly shape: string
  readonly query: string
  readonly fill: (runner: PreparedRunner) => Promise<Filling>
}

type Shop = { readonly organisationId: string }

const declared = { products, categories }
type Name = keyof typeof declared

/** One product, or category. */
export function item(
  { organisationId }: Shop,
  id: string,
  search = '',
  name: Name = 'products',
): Question {
  const resource = declared[name]
  return (reader) => {
    const selection = parseItemQuery(resource, search)
    const known = reader.parseId(resource, id) ?? ''
    const read = reader.item({ resource, scope: { organisationId }, id: known, selection })
    return {
      organisationId,
      route: `/${name}/:id`,
      shape: read.digest,
      query: JSON.stringify([known, selection]),
      fill: (runner) =>
        fillFrom({ db: runner }, read, ({ body }) => ({
          body: body === undefined ? undefined : `{"data":${body}}`,
          headers: {},
        })),
    }
  }
}

/** A page of the list by cursor.
 *  @param after the `lastKey` of the page before it */
export function page(
  { organisationId }: Shop,
  search = '',
  after?: Position['key'],
  name: Name = 'products',
): Question {
  const listing = { resource: declared[name], scope: { organisationId } }
  return (reader) => {
    const { binding: _binding, ...first } = parseListQuery(listing, search, [])
    const position = after && { position: { direction: 'next' as const, key: after } }
    const query = { ...first, ...position }
    const read = reader.page(listing, query)
    return {
      organisationId,
      route: `/${name}`,
      shape: read.digest,
      query: JSON.stringify(query),
      fill: (runner) =>
        fillFrom({ db: runner }, read, ({ body, hasMore, total, lastKey }) => ({
          body: `{"data":${body},"page":${JSON.stringify({ hasMore, total, lastKey })}}`,
          headers: {},
        })),
    }
  }
}

/** A page by number with the total: version 1. */
export function numbered({ organisationId }: Shop, search = ''): Question {
  const listing = { resource: products, scope: { organisationId } }
  return (reader) => {
    const query = parseOffsetQuery(products, search)
    const read = reader.offsetPage(listing, query)
    return {
      organisationId,
      route: '/v1/products',
      shape: read.digest,
      query: JSON.stringify(query),
      fill: (runner) =>
        fillFrom({ db: runner }, read, ({ body, total }) => ({
          body: `{"data":${body},"page":${JSON.stringify({ total })}}`,
          headers: {},
        })),
    }
  }
}
