import type { IncomingMessage, ServerResponse } from 'node:http'

/** Refuses what a page of another site makes a browser send. Such a page has no token, so nothing would come of it; but neither
 *  shall it find out what listens here, nor keep it busy. Programs send none of these headers. */
export function refuseCrossSite(
  { headers }: IncomingMessage,
  response: ServerResponse,
  next: () => void,
): void {
  const { origin, host = '' } = headers
  const site = headers['sec-fetch-site']
  const isForeign = origin !== undefined && !isOf(origin, host)
  if (isForeign || site === 'cross-site' || site === 'same-site') {
    response.writeHead(403, { 'Content-Type': 'application/json' })
    response.end('{"error":"requests of other sites are refused"}')
    return
  }
  next()
}

/** Whether it is a page of this process that asks. */
const isOf = (origin: string, host: string): boolean =>
  URL.canParse(origin) && new URL(origin).host === host.toLowerCase()
