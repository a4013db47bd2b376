import type { Request, Response } from 'express'
import type { ApiSlice } from '../slice.ts'
import { addLink } from './exchange.ts'

type Handler = (slice: ApiSlice, request: Request, response: Response) => Promise<void>

/** 2026-11-22: the day on which version 2 became the one to build on. */
const deprecatedAt = '@1795305600'
/** A year for everybody to move; version 1 stays the way back of the roll-out until then. */
const sunsetAt = 'Mon, 22 Nov 2027 00:00:00 GMT'

/** Marks an answer of version 1 (RFC 9745, RFC 8594) and names what replaces it. */
export function deprecated(successor: string, handle: Handler): Handler {
  return async (slice, request, response) => {
    const id = encodeURIComponent(String(request.params['id'] ?? ''))
    const path = successor.replace(':id', () => id)
    response.set({ Deprecation: deprecatedAt, Sunset: sunsetAt })
    addLink(response, `<${path}>; rel="successor-version"`)
    await handle(slice, request, response)
  }
}
