import type { Request, Response } from 'express'
import type { z } from 'zod'
import type { ActiveOrganisation, Caller } from '#members'
import type { Audience, Filling } from '#platform/cache/entry'
import type { CacheClass } from '#platform/resource/define-resource'
import { organisationTag } from '#platform/resource/dependencies'
import type { ApiSlice } from '../slice.ts'
import { authenticateReader } from './authenticate.ts'
import { questionOf, readCached, type KeptReadOf } from './cached-read.ts'
import { keptQuestion } from './kept-question.ts'
import { parseQuery } from './parse-query.ts'
import { sendServed } from './send-served.ts'

/** A read that is no declared resource. The documentation is made from the same declaration. */
export type ReadDeclaration<S extends z.ZodObject> = {
  /** The name of the function in clients: `getFxRates`. */
  readonly operationId: string
  readonly summary: string
  /** Below `/api/v2`. */
  readonly path: `/${string}`
  /** Absent where any good credential will do. */
  readonly scope?: string
  readonly query: S
  /** What stands in `data`. */
  readonly data: z.ZodType
  /** Which answers are the same, and how long they are served. */
  readonly cache: {
    readonly class: CacheClass
    readonly audience: (caller: Caller) => Audience
    /** What of the credential the answer depends on besides its audience; then no URL names one answer. */
    readonly of?: (caller: Caller) => string
  }
  /** The question that an active organisation begins with, by the names of `query`; it is asked before somebody does. */
  readonly warm?: (organisation: WarmOrganisation) => Readonly<Record<keyof S['shape'], string>>
  readonly read: (slice: ApiSlice, call: ReadCall<z.output<S>>) => Promise<ReadAnswer>
}

/** What of an organisation decides what it asks first. */
export type WarmOrganisation = Pick<
  ActiveOrganisation,
  'organisationId' | 'defaultCurrency' | 'settlementAssets'
>

type ReadCall<Query> = { readonly caller: Caller; readonly query: Query }

/** What a read gives, and what it was made from. */
export type ReadAnswer = {
  /** The JSON text of `data`. */
  readonly data: string
  readonly tags: readonly string[]
  /** When the clock alone makes it untrue. */
  readonly validUntilMs?: number
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
  const { path, scope, query: schema } = described
  const route = `/api/v2${path}`
  const keptRead: KeptReadOf = (slice, { caller, id, search }) => {
    const query = parseQuery(search, schema)
    const audience = policy.audience(caller)
    return {
      audience,
      route,
      lifetime: slice.lifetimes[policy.class],
      shape: '1',
      query: JSON.stringify([query, policy.of?.(caller)]),
      fill: () => fill(slice, audience, () => read(slice, { caller, query })),
      ...(policy.of === undefined && {
        // Such a query holds codes alone; one that held more would have to say so.
        asked: () => keptQuestion(route, { id, search }, { audience, tellableFromReads: 0 }),
      }),
    }
  }
  return {
    method: 'get',
    ...described,
    ...(policy.of === undefined && { keptRead }),
    async handle(slice, request, response) {
      const caller = await authenticateReader(slice, { request, response }, scope)
      const kept = keptRead(slice, questionOf(request, caller))
      await sendServed(slice, { request, response }, await readCached(slice, request, kept))
    },
  }
}

/** What was seen for certain is asked before the first statement; more than one may follow. */
async function fill(
  { cache }: Pick<ApiSlice, 'cache'>,
  audience: Audience,
  read: () => Promise<ReadAnswer>,
): Promise<Filling> {
  const stamp = cache.stamp()
  const { data, tags, validUntilMs } = await read()
  const whose = audience === 'public' ? [] : [organisationTag(audience.organisationId)]
  return {
    status: 200,
    body: Buffer.from(`{"data":${data}}`),
    headers: {},
    dependencies: { tags: [...tags, ...whose], memberships: [] },
    ...(stamp && { stamp }),
    ...(validUntilMs !== undefined && { validUntilMs }),
  }
}
