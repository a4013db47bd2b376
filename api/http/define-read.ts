import type { Request, Response } from 'express'
import type { ApiSlice } from '../slice.ts'

/** A read that is no declared resource, below `/api/v2`. */
export type ReadRoute = {
  readonly method: 'get'
  readonly path: `/${string}`
  readonly handle: (slice: ApiSlice, request: Request, response: Response) => Promise<void>
}

export function defineRead(route: Omit<ReadRoute, 'method'>): ReadRoute {
  return { method: 'get', ...route }
}
