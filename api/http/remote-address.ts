import { isIP, isIPv4 } from 'node:net'
import type { Request } from 'express'

/** Where a request came from, or undefined when that is no address: behind a trusted proxy it is whatever the proxy
 *  wrote. An IPv4 address that arrived over IPv6 is shown as IPv4, and the zone of a link-local one is left out. */
export function addressOf(request: Pick<Request, 'ip'>): string | undefined {
  const [address = ''] = (request.ip ?? '').split('%', 1)
  const mapped = address.replace(/^::ffff:/i, '')
  if (isIPv4(mapped)) {
    return mapped
  }
  return isIP(address) === 0 ? undefined : address
}
