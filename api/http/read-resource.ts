import type { Request, Response } from 'express'
import type { Caller } from '#members'
import type { Lifetime } from '#platform/cache/entry'
import type { PreparedRunner } from '#platform/database/database'
import { Problem } from '#platform/problem'
import { writeCursor, type Position } from '#platform/resource/cursor'
import type { Resource } from '#platform/resource/define-resource'
import {
  parseItemQuery,
  parseListQuery,
  parseOffsetQuery,
  type ListQuery,
  type OffsetQuery,
  type Scope,
} from '#platform/resource/list-query'
import { problems } from '#platform/resource/problems'
import type { Filled, Item, Page, SortKeyText } from '#platform/resource/filled'
import { everything, resourcesOf, type Selection } from '#platform/resource/selection'
import type { ApiSlice } from '../slice.ts'
import { authenticateReader, requireFlag, requireScope, scopeOf } from './authenticate.ts'
import { audienceOf, fillFrom, questionOf, readCached, type KeptReadOf } from './cached-read.ts'
import { addLink, searchOf } from './exchange.ts'
import { keptQuestion, readsToTell } from './kept-question.ts'
import { sendServed } from './send-served.ts'

type Handler = (slice: ApiSlice, request: Request, response: Response) => Promise<void>

/** How a route names its kept answers, and how it serves them. */
export type ReadRoute = { readonly keptRead: KeptReadOf; readonly handle: Handler }

/** `GET /api/v2/<resource>`: one page by cursor. */
export function listResource(resource: Resource, route: string): ReadRoute {
  const keptRead: KeptReadOf = (slice, { caller, id, search }) => {
    const listing = listingOf(slice, scopeFor(resource, caller), resource, id)
    const query = parseListQuery(listing, search, slice.cursorKeys)
    requireScopes(caller, resource, query.selection)
    const prepared = slice.reader.page(listing, query)
    const { binding: _binding, ...asked } = query
    const audience = audienceOf(resource.visibility === 'public', caller)
    return {
      audience,
      route,
      statementsMax: resource.statementsMax,
      lifetime: lifetimeOf(slice, resource, 'list'),
      shape: prepared.digest,
      query: JSON.stringify([listing.parentId, asked]),
      fill: () => fillFrom(slice, prepared, (page) => renderPage(slice, query, page)),
      asked: () => {
        const from = readsToTell(resource, search)
        return keptQuestion(route, { id, search }, { audience, tellableFromReads: from })
      },
    }
  }
  const handle: Handler = async (slice, request, response) => {
    const caller = await authenticateReader(slice, { request, response }, resource.scope)
    requireFlag(caller, 'cursor-pagination')
    const read = keptRead(slice, questionOf(request, caller))
    const answered = await readCached(slice, request, read)
    if (answered.served.held.status === 404) {
      throw notFound(resource.parent?.resource() ?? resource)
    }
    addLink(response, linksOf(request, answered.served.held.headers))
    await sendServed(slice, { request, response }, answered)
  }
  return { keptRead, handle }
}

/** `GET /api/v2/<resource>/:id`, and its version 1 twin. */
export function readResource(resource: Resource, route: string): ReadRoute {
  const keptRead: KeptReadOf = (slice, { caller, id: named, search }) => {
    const selection = parseItemQuery(resource, search)
    requireScopes(caller, resource, selection)
    const id = slice.reader.parseId(resource, named)
    if (id === undefined) {
      throw notFound(resource)
    }
    const prepared = slice.reader.item({
      resource,
      scope: scopeFor(resource, caller),
      id,
      selection,
    })
    const audience = audienceOf(resource.visibility === 'public', caller)
    return {
      audience,
      route,
      statementsMax: resource.statementsMax,
      lifetime: lifetimeOf(slice, resource, 'item'),
      shape: prepared.digest,
      query: JSON.stringify([id, selection]),
      fill: () => fillFrom(slice, prepared, renderItem),
      asked: () => keptQuestion(route, { id, search }, { audience, tellableFromReads: 0 }),
    }
  }
  const handle: Handler = async (slice, request, response) => {
    const caller = await authenticateReader(slice, { request, response }, resource.scope)
    const read = keptRead(slice, questionOf(request, caller))
    const answered = await readCached(slice, request, read)
    if (answered.served.held.status === 404) {
      throw notFound(resource)
    }
    await sendServed(slice, { request, response }, answered)
  }
  return { keptRead, handle }
}

/** `GET /api/<resource>`: version 1, by page number and with the total. */
export function listLegacy(resource: Resource, route: string): ReadRoute {
  const keptRead: KeptReadOf = (slice, { caller, search }) => {
    const query = parseOffsetQuery(resource, search)
    const prepared = slice.reader.offsetPage({ resource, scope: scopeFor(resource, caller) }, query)
    const audience = audienceOf(resource.visibility === 'public', caller)
    return {
      audience,
      route,
      statementsMax: resource.statementsMax,
      lifetime: lifetimeOf(slice, resource, 'list'),
      shape: prepared.digest,
      query: JSON.stringify(query),
      fill: () => fillFrom(slice, prepared, (page) => renderNumbered(query, page)),
      asked: () => {
        const from = readsToTell(resource, search)
        return keptQuestion(route, { id: undefined, search }, { audience, tellableFromReads: from })
      },
    }
  }
  const handle: Handler = async (slice, request, response) => {
    const caller = await authenticateReader(slice, { request, response }, resource.scope)
    const read = keptRead(slice, questionOf(request, caller))
    await sendServed(slice, { request, response }, await readCached(slice, request, read))
  }
  return { keptRead, handle }
}

/** Of a public resource nothing may depend on who asks, not even the cursors: everybody is given the same answer. */
const scopeFor = ({ visibility }: Resource, caller: Caller): Scope =>
  visibility === 'public' ? {} : scopeOf(caller)

function renderItem({ body }: Item) {
  return { body: body === undefined ? undefined : `{"data":${body}}`, headers: {} }
}

function renderNumbered(query: OffsetQuery, { body, total }: Filled & { readonly total: number }) {
  const pagination = {
    page: query.page,
    limit: query.limit,
    total,
    total_pages: Math.ceil(total / query.limit),
  }
  return { body: `{"data":${body},"pagination":${JSON.stringify(pagination)}}`, headers: {} }
}

/** The page as it is sent; no body where the item that the list lives below is not there. */
function renderPage(slice: ApiSlice, query: ListQuery, page: Page) {
  const envelope = describePage(slice, query, page)
  const { nextCursor, prevCursor } = envelope
  return {
    body: page.isParentFound
      ? `{"data":${page.body},"page":${JSON.stringify(envelope)}}`
      : undefined,
    headers: {
      ...(nextCursor !== undefined && { nextCursor }),
      ...(prevCursor !== undefined && { prevCursor }),
    },
  }
}

/** How long answers of a resource are served: its class, or the seconds that it names. */
function lifetimeOf({ lifetimes }: ApiSlice, { cache }: Resource, kind: 'list' | 'item'): Lifetime {
  if (typeof cache === 'string') {
    return lifetimes[cache]
  }
  const freshSeconds = kind === 'list' ? cache.listSeconds : cache.itemSeconds
  return { freshSeconds, staleSeconds: cache.staleSeconds }
}

/** The JSON text of one item as it stands now, from the pool or inside the transaction that has just written it. Never
 *  from the cache.
 *  @throws {Problem} read/not-found, the same for what is missing and for what the caller may not see */
export async function readItem(
  { reader }: Pick<ApiSlice, 'reader'>,
  runner: PreparedRunner,
  item: { resource: Resource; scope: Scope; id: unknown; selection?: Selection },
): Promise<string> {
  const { resource, scope, selection = everything } = item
  const id = reader.parseId(resource, item.id)
  const found =
    id === undefined ? undefined : await reader.item({ resource, scope, id, selection }).run(runner)
  if (found?.body === undefined) {
    throw notFound(resource)
  }
  return found.body
}

/** What is expanded needs its own scope: an expansion shows nothing that the caller could not read by itself. */
function requireScopes(caller: Caller, resource: Resource, selection: Selection): void {
  for (const { scope } of resourcesOf(resource, selection)) {
    requireScope(caller, scope)
  }
}

/** The list, and for one below an item that item's id, which must at least look like one. */
function listingOf(
  { reader }: ApiSlice,
  scope: Scope,
  resource: Resource,
  id: unknown,
): { resource: Resource; scope: Scope; parentId?: string } {
  if (!resource.parent) {
    return { resource, scope }
  }
  const parentId = reader.parseId(resource.parent.resource(), id)
  if (parentId === undefined) {
    throw notFound(resource.parent.resource())
  }
  return { resource, scope, parentId }
}

function notFound({ noun }: Resource): Problem {
  return new Problem(problems.notFound, `There is no ${noun} with this id.`)
}

type Envelope = {
  readonly limit: number
  readonly hasMore: boolean
  readonly nextCursor?: string
  readonly prevCursor?: string
  readonly total?: number
  readonly isTotalEstimated?: true
}

/** `hasMore` speaks of the direction that was asked for; the cursors of both ends are given where there is a way on. */
function describePage({ cursorKeys }: ApiSlice, query: ListQuery, page: Page): Envelope {
  const { binding, limit, position } = query
  const isBack = position?.direction === 'prev'
  const write = (to: Position) => ({
    [`${to.direction}Cursor`]: writeCursor(cursorKeys, binding, to),
  })
  const cursor = (direction: 'next' | 'prev', key: SortKeyText | undefined, isThere: boolean) =>
    key !== undefined && isThere ? write({ direction, key }) : {}
  const isEmpty = page.ids.length === 0
  return {
    limit,
    hasMore: page.hasMore,
    ...cursor('next', page.lastKey, isBack || page.hasMore),
    ...cursor('prev', page.firstKey, isBack ? page.hasMore : position !== undefined),
    ...(position && isEmpty && write(turned(position))),
    ...(page.total !== undefined && { total: page.total }),
    ...(query.count === 'estimated' && { isTotalEstimated: true }),
  }
}

/** From a page that was emptied meanwhile the only way is the one it was reached by: to what it does not cover. */
function turned({ direction, key, isInclusive }: Position): Position {
  const back = { direction: direction === 'next' ? 'prev' : 'next', key } as const
  return isInclusive ? back : { ...back, isInclusive: true }
}

function linksOf(
  request: Request,
  { nextCursor, prevCursor }: Readonly<Record<string, string | undefined>>,
): string {
  const at = (cursor: string | undefined, rel: string): string[] => {
    const search = new URLSearchParams(searchOf(request))
    search.delete('cursor')
    if (cursor !== undefined) {
      search.set('cursor', cursor)
    }
    const tail = search.size > 0 ? `?${search.toString()}` : ''
    return [`<${request.baseUrl}${request.path}${tail}>; rel="${rel}"`]
  }
  return [
    ...(nextCursor ? at(nextCursor, 'next') : []),
    ...(prevCursor ? at(prevCursor, 'prev') : []),
    ...at(undefined, 'first'),
  ].join(', ')
}
