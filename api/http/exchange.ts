import { etagOf } from '#platform/cache/held'
import type { Request, Response } from 'express'
import type { Caller } from '#members'
import type { CacheRead } from '#platform/cache/cache'

/** What one request carries through its handlers; made by the first of them. */
export type Exchange = {
  readonly requestId: string
  readonly startedMs: number
  /** Absent before authentication. */
  caller?: Caller
  /** How the verdict on the credential is asked for again; of reads alone. */
  credential?: CacheRead
}

const exchanges = new WeakMap<Request, Exchange>()

export function beginExchange(request: Request, exchange: Exchange): void {
  exchanges.set(request, exchange)
}

/** @throws {Error} when the request did not pass through the first handler */
export function exchangeOf(request: Request): Exchange {
  const exchange = exchanges.get(request)
  if (!exchange) {
    throw new Error('the request has no exchange')
  }
  return exchange
}

/** The query string without its question mark, exactly as it was sent. */
export function searchOf(request: Request): string {
  const mark = request.originalUrl.indexOf('?')
  return mark === -1 ? '' : request.originalUrl.slice(mark + 1)
}

/** Adds a web link (RFC 8288) to those that the answer has already. */
export function addLink(response: Response, link: string): void {
  const earlier = response.get('Link')
  response.set('Link', earlier === undefined ? link : `${earlier}, ${link}`)
}

/** Sends bytes, or 304 when the client has exactly these. */
export function sendConditionally(
  request: Request,
  response: Response,
  { body, type }: { readonly body: Buffer; readonly type: string },
): void {
  const etag = etagOf(body)
  response.set('ETag', etag)
  if (isKnown(request.get('if-none-match') ?? '', etag)) {
    response.status(304).end()
    return
  }
  response.type(type).send(body)
}

/** Whether the client has exactly what the validator stands for.  @param validators the header `If-None-Match` */
export function isKnown(validators: string, etag: string): boolean {
  return (
    validators === etag ||
    validators
      .split(',')
      .map((one) => one.trim())
      .some((one) => one === '*' || weak(one) === etag)
  )
}

const weak = (etag: string): string => (etag.startsWith('W/') ? etag : `W/${etag}`)
