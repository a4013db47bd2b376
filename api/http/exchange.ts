import { hash } from 'node:crypto'
import type { Request, Response } from 'express'
import type { Caller } from '#members'

/** What one request carries through its handlers; made by the first of them. */
export type Exchange = {
  readonly requestId: string
  readonly startedMs: number
  /** Absent before authentication. */
  caller?: Caller
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

/** A weak validator made once from the bytes of the body. */
function etagOf(body: Buffer): string {
  return `W/"${hash('sha256', body, 'base64url').slice(0, 16)}"`
}

/** Sends JSON text as it is, or 304 when the client has exactly this. The caller's data is never kept by shared caches. */
export function sendJson(request: Request, response: Response, text: string): void {
  response.set('Cache-Control', 'private, no-cache').vary('Authorization')
  const type = 'application/json; charset=utf-8'
  sendConditionally(request, response, { body: Buffer.from(text), type })
}

/** Sends bytes, or 304 when the client has exactly these. */
export function sendConditionally(
  request: Request,
  response: Response,
  { body, type }: { readonly body: Buffer; readonly type: string },
): void {
  const etag = etagOf(body)
  response.set('ETag', etag)
  const known = request
    .get('if-none-match')
    ?.split(',')
    .map((one) => one.trim())
  if (known?.some((one) => one === '*' || weak(one) === etag)) {
    response.status(304).end()
    return
  }
  response.type(type).send(body)
}

const weak = (etag: string): string => (etag.startsWith('W/') ? etag : `W/${etag}`)
