import type { Request } from 'express'
import { findAdmin, type Caller } from '#members'
import type { CacheRead } from '#platform/cache/cache'
import type { KeptQuestion } from '#platform/cache/demand'
import {
  cacheKey,
  type Audience,
  type CacheKey,
  type Filling,
  type Lifetime,
} from '#platform/cache/entry'
import type { Served } from '#platform/cache/served'
import type { PreparedRunner } from '#platform/database/database'
import type { Filled, Item } from '#platform/resource/filled'
import type { PreparedRead } from '#platform/resource/reader'
import type { ApiSlice } from '../slice.ts'
import { consistencyOf } from './consistency.ts'
import { searchOf } from './exchange.ts'

/** A read whose answer may be kept. */
export type KeptRead = {
  /** Statements that the answer may cost; absent where nothing is said of it. */
  readonly statementsMax?: number
  readonly audience: Audience
  /** The template of its path. */
  readonly route: string
  readonly lifetime: Lifetime
  /** What of the code it depends on. */
  readonly shape: string
  /** Equal for equal questions, however they are written. */
  readonly query: string
  readonly fill: () => Promise<Filling>
  /** How it is asked for again; absent where a URL and an audience do not name it. */
  readonly asked?: () => KeptQuestion
}

/** What is asked for, apart from the request that brought it. */
export type Question = {
  readonly caller: Caller
  /** The id in the path, where the route has one. */
  readonly id: unknown
  /** The query string without its question mark. */
  readonly search: string
}

/** Which kept answer a question asks for: the one way in which requests and operators find it.
 *  @throws {Problem} for what the route refuses */
export type KeptReadOf = (slice: ApiSlice, question: Question) => KeptRead

/** The question of a request. */
export const questionOf = (request: Request, caller: Caller): Question => ({
  caller,
  id: request.params['id'],
  search: searchOf(request),
})

/** An answer, and whether an operator asked for it, who is told more. */
export type Answered = {
  readonly served: Served
  readonly isOperator: boolean
  /** How it is asked for again, by anybody who may read it. */
  readonly read: CacheRead
}

/** Serves it from the cache. */
export async function readCached(
  slice: ApiSlice,
  request: Request,
  kept: KeptRead,
): Promise<Answered> {
  const isOperator = await slice.db.watch.aside(() => isOperators(slice, request))
  if (kept.statementsMax !== undefined) {
    slice.db.watch.allow(kept.statementsMax)
  }
  const read = cacheReadOf(slice, kept)
  const consistency = consistencyOf(slice, request)
  const isBypass = isOperator && wantsFresh(request)
  return { served: await slice.cache.read({ ...read, consistency, isBypass }), isOperator, read }
}

/** The question to the cache. */
export function cacheReadOf(slice: Pick<ApiSlice, 'version'>, kept: KeptRead): CacheRead {
  const { route, lifetime, fill, asked } = kept
  return { key: keyOf(slice, kept), route, lifetime, fill, ...(asked && { asked }) }
}

/** The name of the answer. */
export function keyOf(
  { version }: Pick<ApiSlice, 'version'>,
  { audience, route, shape, query }: KeptRead,
): CacheKey {
  return cacheKey(audience, { route, shape: `${version} ${shape}`, query })
}

/** `Cache-Control: no-cache` would let anybody past the cache, and so to the database; of operators it is honoured. */
function wantsFresh(request: Request): boolean {
  return /(^|[\s,])no-cache([\s,]|$)/.test(request.get('cache-control') ?? '')
}

/** Operators show their admin token beside the caller's credential; only then is it looked up. */
async function isOperators({ db }: ApiSlice, request: Request): Promise<boolean> {
  const token = /^Bearer +(\S{1,200})$/i.exec(request.get('operator-authorization') ?? '')?.[1]
  const admin = token === undefined ? undefined : await findAdmin(db, token)
  return admin !== undefined && admin.role !== 'viewer'
}

/** Whom an answer is for: a public resource is the same for all who may read it. */
export function audienceOf(isPublic: boolean, { organisationId, memberId }: Caller): Audience {
  return isPublic ? 'public' : { organisationId, ...(memberId !== undefined && { memberId }) }
}

/** Runs a declared read and says what its answer depends on. Without a body there is nothing to show. */
export async function fillFrom<Found extends Filled | Item>(
  { db }: { readonly db: PreparedRunner },
  prepared: PreparedRead<Found>,
  render: (found: Found) => Pick<Filling, 'headers'> & { readonly body: string | undefined },
): Promise<Filling> {
  const found = await prepared.run(db)
  const { body, headers } = render(found)
  const { stamp, validUntil } = found
  return {
    status: body === undefined ? 404 : 200,
    body: Buffer.from(body ?? ''),
    headers,
    dependencies: prepared.dependenciesOf(found),
    ...(stamp && { stamp }),
    ...(validUntil !== undefined && { validUntilMs: Date.parse(validUntil) }),
  }
}
