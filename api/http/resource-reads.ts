import type { Request, Response } from 'express'
import type { Resource } from '#platform/resource/define-resource'
import type { ApiSlice } from '../slice.ts'
import type { KeptReadOf } from './cached-read.ts'
import { deprecated } from './deprecated.ts'
import { listLegacy, listResource, readResource } from './read-resource.ts'

/** One route that a declared resource brings with it; `legacy` ones are version 1. */
export type ResourceRead = {
  readonly resource: Resource
  readonly kind: 'list' | 'item' | 'legacy-list' | 'legacy-item'
  readonly method: 'get'
  readonly path: string
  readonly keptRead: KeptReadOf
  readonly handle: (slice: ApiSlice, request: Request, response: Response) => Promise<void>
}

/** The routes of a declared resource: what is served, and what is documented. */
export function readsOf(resource: Resource, isCursorPaginationEnabled = true): ResourceRead[] {
  const { parent, name, legacyPath } = resource
  const path = parent ? `/api/v2/${parent.resource().name}/:id/${name}` : `/api/v2/${name}`
  const hasItem = resource.operations === 'list-and-detail'
  const list = listResource(resource, path)
  const item = readResource(resource, `${path}/:id`)
  const all: Pick<ResourceRead, 'kind' | 'path' | 'keptRead' | 'handle'>[] = [
    ...(isCursorPaginationEnabled ? [{ kind: 'list', path, ...list } as const] : []),
    ...(hasItem ? [{ kind: 'item', path: `${path}/:id`, ...item } as const] : []),
  ]
  if (legacyPath !== undefined) {
    const legacy = `/api/${legacyPath}`
    const numbered = listLegacy(resource, legacy)
    const handle = deprecated(path, numbered.handle)
    all.push({ ...numbered, kind: 'legacy-list', path: legacy, handle })
    if (hasItem) {
      const one = readResource(resource, `${legacy}/:id`)
      const handleOne = deprecated(`${path}/:id`, one.handle)
      all.push({ ...one, kind: 'legacy-item', path: `${legacy}/:id`, handle: handleOne })
    }
  }
  return all.map((one) => ({ resource, method: 'get', ...one }))
}
