import type { Request, Response } from 'express'
import type { z } from 'zod'
import type { Caller } from '#members'
import type { ApiSlice } from '../slice.ts'
import { authenticate, identify } from './authenticate.ts'
import { searchOf, sendJson } from './exchange.ts'
import { parseQuery } from './parse-query.ts'

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
  /** The JSON text of `data`. */
  readonly read: (
    slice: ApiSlice,
    call: { readonly caller: Caller; readonly query: z.output<S> },
  ) => Promise<string>
}

/** A read route with its types forgotten: what the list of routes holds. */
export type ReadRoute = Omit<ReadDeclaration<z.ZodObject>, 'read'> & {
  readonly method: 'get'
  readonly handle: (slice: ApiSlice, request: Request, response: Response) => Promise<void>
}

/** Declares a read: authentication, validation and conditional answers come from here. */
export function defineRead<S extends z.ZodObject>(declaration: ReadDeclaration<S>): ReadRoute {
  const { read, ...described } = declaration
  const { scope, query: schema } = described
  return {
    method: 'get',
    ...described,
    async handle(slice, request, response) {
      const caller = await (scope === undefined
        ? identify(slice.db, request)
        : authenticate(slice.db, request, scope))
      const query = parseQuery(searchOf(request), schema)
      sendJson(request, response, `{"data":${await read(slice, { caller, query })}}`)
    },
  }
}
