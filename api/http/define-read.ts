import type { Request, Response } from 'express'
import type { z } from 'zod'
import type { ActiveOrganisation, Caller } from '#members'
import type { Audience, Filling, Stamp } from '#platform/cache/entry'
import type { ProblemType } from '#platform/problem'
import type { CacheClass } from '#platform/resource/define-resource'
import { organisationTag } from '#platform/resource/dependencies'
import type { ApiSlice } from '../slice.ts'
import { authenticateReader } from './authenticate.ts'
import { questionOf, readCached, type KeptReadOf } from './cached-read.ts'
import { deprecated } from './deprecated.ts'
import { keptQuestion } from './kept-question.ts'
import { parseQuery } from './parse-query.ts'
import { sendServed } from './send-served.ts'

/** A read that is no declared resource. The documentation is made from the same declaration. */
export type ReadDeclaration<S extends z.ZodObject> = {
  /** The name of the function in clients: `getFxRates`. */
  readonly operationId: string
  readonly summary: string
  /** Below `/api/v2`, or `/api` of a read of version 1. */
  readonly path: `/${string}`
  /** Of a read of version 1: the path that replaces it. */
  readonly successor?: string
  /** Absent where any good credential will do. */
  readonly scope?: string
  readonly query: S
  /** What stands in `data`. */
  readonly data: z.ZodType
  /** What it may be refused for beside what every read is. */
  readonly problems?: readonly ProblemType[]
  /** Which answers are the same, and how long they are served. */
  readonly cache: {
    readonly class: CacheClass
    /** @throws {Problem} for a caller who may not ask this */
    readonly audience: (caller: Caller, asked: Asked<z.output<S>>) => Audience
    /** What of the credential the answer depends on besides its audience; then no URL names one answer. */
    readonly of?: (caller: Caller) => string
  }
  /** The question that an active organisation begins with, by the names of `query`; it is asked before somebody does. */
  readonly warm?: (organisation: WarmOrganisation) => Readonly<Record<keyof S['shape'], string>>
  /** Asked for every active member before the member does, as the member would without saying anything. */
  readonly isWarmForMembers?: true
  readonly read: (slice: ApiSlice, call: ReadCall<z.output<S>>) => Promise<ReadAnswer>
}

/** What of an organisation decides what it asks first. */
export type WarmOrganisation = Pick<
  ActiveOrganisation,
  'organisationId' | 'defaultCurrency' | 'settlementAssets'
>

/** What is asked for; `id` is that of the path, as it was sent. */
type Asked<Query> = { readonly query: Query; readonly id: unknown }
type ReadCall<Query> = Asked<Query> & { readonly caller: Caller }

/** What a read gives, and what it was made from. */
export type ReadAnswer = {
  /** The JSON text of `data`. */
  readonly data: string
  readonly tags: readonly string[]
  /** When the clock alone makes it untrue. */
  readonly validUntilMs?: number
  /** What the one statement saw that made it, undefined where that must not be kept. Left out where there were several. */
  readonly stamp?: Stamp | undefined
}

/** A read route with its types forgotten: what the list of routes holds. */
export type ReadRoute = Omit<ReadDeclaration<z.ZodObject>, 'read' | 'cache' | 'warm'> & {
  readonly method: 'get'
  readonly warm?: (organisation: WarmOrganisation) => Readonly<Record<string, string>>
  /** Its answer is made for each request anew. */
  readonly isNeverKept?: true
  /** Absent where a URL and an audience do not name one answer. */
  readonly keptRead?: KeptReadOf
  readonly handle: (slice: ApiSlice, request: Request, response: Response) => Promise<void>
}

/** Declares a read: authentication, validation, caching and conditional answers come from here. */
export function defineRead<S extends z.ZodObject>(declaration: ReadDeclaration<S>): ReadRoute {
  const { read, cache: policy, ...described } = declaration
  const { scope, successor, query: schema } = described
  const route = addressOf(described)
  const keptRead: KeptReadOf = (slice, { caller, search, id }) => {
    const query = parseQuery(search, schema)
    const audience = policy.audience(caller, { query, id })
    return {
      audience,
      route,
      lifetime: slice.lifetimes[policy.class],
      shape: '1',
      query: JSON.stringify([query, policy.of?.(caller)]),
      fill: () => fill(slice, audience, () => read(slice, { caller, query, id })),
      ...(policy.of === undefined && {
        // Such a query holds codes alone; one that held more would have to say so.
        asked: () => keptQuestion(route, { id, search }, { audience, tellableFromReads: 0 }),
      }),
    }
  }
  const handle: ReadRoute['handle'] = async (slice, request, response) => {
    const caller = await authenticateReader(slice, { request, response }, scope)
    const kept = keptRead(slice, questionOf(request, caller))
    await sendServed(slice, { request, response }, await readCached(slice, request, kept))
  }
  return {
    method: 'get',
    ...described,
    ...(policy.of === undefined && { keptRead }),
    handle: successor === undefined ? handle : deprecated(successor, handle),
  }
}

/** The path of a route, as Express has it. */
export const addressOf = ({ path, ...route }: { path: string; successor?: string }): string =>
  `${route.successor === undefined ? '/api/v2' : '/api'}${path}`

/** What was seen for certain is asked before the first statement; more than one may follow. */
async function fill(
  { cache }: Pick<ApiSlice, 'cache'>,
  audience: Audience,
  read: () => Promise<ReadAnswer>,
): Promise<Filling> {
  const stamp = cache.stamp()
  const answer = await read()
  const { data, tags, validUntilMs } = answer
  const seen = 'stamp' in answer ? answer.stamp : stamp
  const whose = audience === 'public' ? [] : [organisationTag(audience.organisationId)]
  return {
    status: 200,
    body: Buffer.from(`{"data":${data}}`),
    headers: {},
    dependencies: { tags: [...tags, ...whose], memberships: [] },
    ...(seen && { stamp: seen }),
    ...(validUntilMs !== undefined && { validUntilMs }),
  }
}
