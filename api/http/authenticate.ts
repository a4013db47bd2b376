import { hash } from 'node:crypto'
import type { Request, Response } from 'express'
import { findCaller, type Caller, type FoundCaller } from '#members'
import { rowTag, tableTag } from '#platform/cache/dependencies'
import type { CacheRead } from '#platform/cache/cache'
import { cacheKey } from '#platform/cache/entry'
import type { Held } from '#platform/cache/held'
import { flags, type Flag } from '#platform/flags/flags'
import { Problem } from '#platform/problem'
import type { Scope } from '#platform/resource/list-query'
import type { ApiSlice } from '../slice.ts'
import { consistencyOf } from './consistency.ts'
import { exchangeOf } from './exchange.ts'
import { showTaken } from './limit-request.ts'
import type { RouteClass } from './limits.ts'
import { problems } from './problems.ts'
import { addressOf } from './remote-address.ts'

type Exchanged = { readonly request: Request; readonly response: Response }

/** The caller of a request, who must hold the scope. Organisation and member come from the credential alone.
 *  @throws {Problem} http/credential-missing, http/credential-invalid, http/quota-exceeded, http/scope-missing */
export async function authenticate(
  slice: ApiSlice,
  exchanged: Exchanged,
  needed: { readonly scope: string; readonly rateLimit: RouteClass | undefined },
): Promise<Caller> {
  const { limits } = slice
  const { request, response } = exchanged
  const caller = await identify(slice, exchanged, (credential) => lookUp(slice, credential))
  showTaken(
    response,
    needed.rateLimit === undefined
      ? limits.takeFor(caller)
      : limits.takeForRoute(caller, addressOf(request), needed.rateLimit),
  )
  requireScope(caller, needed.scope)
  return caller
}

/** The caller of a request that only reads, by a verdict that is kept like any other answer: a key that was revoked dies
 *  with the change that revoked it. Writes ask the database each time.
 *  @throws {Problem} http/credential-missing, http/credential-invalid, http/quota-exceeded, http/scope-missing */
export async function authenticateReader(
  slice: ApiSlice,
  exchanged: Exchanged,
  scope: string | undefined,
): Promise<Caller> {
  const caller = await identifyReader(slice, exchanged)
  showTaken(exchanged.response, slice.limits.takeFor(caller))
  if (scope !== undefined) {
    requireScope(caller, scope)
  }
  return caller
}

/** The caller of a request that only reads, whatever it may do and however often it came.
 *  @throws {Problem} http/credential-missing, http/credential-invalid, http/quota-exceeded */
export function identifyReader(slice: ApiSlice, exchanged: Exchanged): Promise<Caller> {
  return identify(slice, exchanged, (credential) =>
    keptCaller(slice, exchanged.request, credential),
  )
}

/** The caller of a request, whatever it may do. What fails counts against its address, so that guessing is slow; where that
 *  has no quota left, only credentials that were good before are looked up at all. */
async function identify(
  { limits, presence }: ApiSlice,
  { request, response }: Exchanged,
  find: (credential: string) => Promise<Caller | undefined>,
): Promise<Caller> {
  const header = request.get('authorization')
  if (header === undefined) {
    showTaken(response, limits.takeForAddress(addressOf(request)))
    throw new Problem(problems.credentialMissing, 'The Authorization header is missing.')
  }
  const credential = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(header)?.[1]
  const atAddress = limits.lookForAddress(addressOf(request))
  if (!atAddress.isAllowed && (credential === undefined || !limits.known.has(credential))) {
    showTaken(response, atAddress)
  }
  const caller = credential === undefined ? undefined : await find(credential)
  if (!caller) {
    showTaken(response, limits.takeForAddress(addressOf(request)))
    throw new Problem(problems.credentialInvalid, 'The credential is unknown, expired or revoked.')
  }
  exchangeOf(request).caller = caller
  presence.note(caller)
  return caller
}

/** Asks the database, and remembers that the credential was good. */
async function lookUp(
  { db, limits }: Pick<ApiSlice, 'db' | 'limits'>,
  credential: string,
): Promise<FoundCaller | undefined> {
  const found = await db.watch.aside(() => findCaller(db, credential))
  if (found) {
    limits.known.add(credential)
  }
  return found
}

/** While the database is away a verdict is believed for so long. */
const lastResortMs = 5 * 60 * 1000

/** The verdict on a credential, kept in this process alone and under its hash. That it is unknown is not kept, or inventing
 *  credentials would fill the memory. */
async function keptCaller(
  slice: ApiSlice,
  request: Request,
  credential: string,
): Promise<Caller | undefined> {
  const read = credentialRead(slice, credential)
  exchangeOf(request).credential = read
  const { held } = await slice.cache.read({ ...read, consistency: consistencyOf(slice, request) })
  return held.status === 200 ? callerIn(held) : undefined
}

/** How the verdict on a credential is asked for. */
function credentialRead(slice: ApiSlice, credential: string): CacheRead {
  const { cache, clock, lifetimes } = slice
  return {
    key: cacheKey('public', { route: 'credential', shape: '1', query: hash('sha256', credential) }),
    route: 'credential',
    lifetime: lifetimes.volatile,
    isLocal: true,
    lastResortMs,
    isNeverUntrue: true,
    async fill() {
      const stamp = cache.stamp()
      const askedAtMs = clock.now().getTime()
      const found = await lookUp(slice, credential)
      const missing = { status: 404, body: Buffer.alloc(0), headers: {} } as const
      const dependencies = { tags: found ? tagsOf(found) : [], memberships: [] }
      if (!found) {
        return { ...missing, dependencies }
      }
      const { endsInMs, ...caller } = found
      return {
        status: 200,
        body: Buffer.from(JSON.stringify(caller)),
        headers: {},
        dependencies,
        ...(stamp && { stamp }),
        ...(endsInMs !== undefined && { validUntilMs: askedAtMs + endsInMs }),
      }
    },
  }
}

const callers = new WeakMap<Held, Caller>()

/** Whom a good verdict names; read once for each, so that it is the same object as long as the verdict is. */
export function callerIn(held: Held): Caller {
  const known = callers.get(held)
  if (known) {
    return known
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `keptCaller`, in this process
  const caller = JSON.parse(held.body.toString()) as Caller
  callers.set(held, caller)
  return caller
}

function tagsOf({ keyId, memberId }: Caller): readonly string[] {
  return [
    ...['api_keys', 'members', 'feature_flags'].map(tableTag),
    rowTag('api_keys', keyId),
    ...(memberId === undefined ? [] : [rowTag('members', memberId)]),
  ]
}

/** @throws {Problem} http/scope-missing */
export function requireScope(caller: Caller, scope: string): void {
  if (!caller.scopes.some((held) => held === scope)) {
    throw new Problem(problems.scopeMissing, `This credential lacks the scope ${scope}.`, {
      facts: { scope },
    })
  }
}

/** What is switched while the product runs is part of the verdict on the credential, and so as new as that is.
 *  @throws {Problem} http/switched-off */
export function requireFlag({ switchedOff }: Caller, flag: Flag): void {
  if (switchedOff?.includes(flag) === true) {
    throw new Problem(problems.switchedOff, `Not available to this organisation: ${flags[flag]}.`, {
      facts: { flag },
    })
  }
}

/** What the caller may see: the rows of its organisation, and for a member's token only the member's own. */
export function scopeOf(caller: Caller): Scope {
  return {
    organisationId: caller.organisationId,
    ...(caller.memberId !== undefined && { memberId: caller.memberId }),
  }
}
