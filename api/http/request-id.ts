import type { IncomingMessage } from 'node:http'
import express from 'express'
import type { Random } from '#platform/random'

/** Gives each request its id. */
export type RequestIds = (request: IncomingMessage) => string

/** What a proxy may call a request: enough to be unique, and nothing that could do harm in a log line. */
const acceptable = /^[\w.:-]{8,100}$/

/** The id that the proxy in front gave in `Request-Id`, where one is trusted, so that its log and ours name the same request;
 *  else a new one.
 *  @param trustProxy as Express takes it */
export function createRequestIds(
  trustProxy: number | readonly string[],
  random: Pick<Random, 'uuid'>,
): RequestIds {
  const app = express()
  app.set('trust proxy', trustProxy)
  const trusts: unknown = app.get('trust proxy fn')
  const isTrusted = (address: string | undefined): boolean =>
    typeof trusts === 'function' && trusts(address ?? '', 0) === true
  return ({ headers: { 'request-id': given }, socket }) =>
    typeof given === 'string' && acceptable.test(given) && isTrusted(socket.remoteAddress)
      ? given
      : `req_${random.uuid()}`
}
