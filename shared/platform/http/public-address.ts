import { lookup as systemLookup } from 'node:dns/promises'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { HttpFailure } from './http-failure.ts'

/** Resolves a name to every address it has. An argument, so that a test can play a hostile name server. */
export type ResolveHost = (host: string) => Promise<readonly string[]>

/** The operating system's resolver, hosts file included. */
export const resolveHost: ResolveHost = async (host) => {
  const found = await systemLookup(host, { all: true, verbatim: true })
  return found.map(({ address }) => address)
}

/** Everything that is not public unicast IPv4. Source: IANA special-purpose registry, RFC 6890. */
const reservedV4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
]

/** Parts of 2000::/3 that lead elsewhere: protocol assignments with Teredo, documentation, 6to4. */
const reservedV6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]

/** True for addresses of the public Internet. IPv6 is an allow-list (2000::/3), so that IPv4 in any of its
 *  IPv6 disguises (::ffff:10.0.0.1, 64:ff9b::a00:1) is refused without being known by name. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 4) {
    return !listOf(reservedV4, 'ipv4').check(address, 'ipv4')
  }
  const inGlobal = listOf([['2000::', 3]], 'ipv6').check(address, 'ipv6')
  return family === 6 && inGlobal && !listOf(reservedV6, 'ipv6').check(address, 'ipv6')
}

/** True for this machine's own addresses. */
export function isLoopback(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'))
}

/** A `lookup` for `net.connect` that resolves once, refuses the name when any of its addresses is not allowed, and
 *  connects to what it checked: a name server that changes its answer in between (rebinding) gains nothing. */
export function guardedLookup(
  isAllowed: (address: string) => boolean,
  resolve: ResolveHost,
): LookupFunction {
  return (host, options, callback) => {
    const found = resolve(host).then((addresses) => {
      const refused = addresses.find((address) => !isAllowed(address))
      if (refused !== undefined || addresses.length === 0) {
        throw new HttpFailure('address', `${host} does not resolve to a public address`)
      }
      return addresses.map((address) => ({ address, family: isIP(address) }))
    })
    found.then(
      (addresses) => {
        const [first] = addresses
        if (options.all === true) {
          callback(null, addresses)
        } else {
          callback(null, first?.address ?? '', first?.family)
        }
      },
      (error: Error) => callback(error, ''),
    )
  }
}

function listOf(subnets: readonly (readonly [string, number])[], type: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList()
  for (const [network, prefix] of subnets) {
    list.addSubnet(network, prefix, type)
  }
  return list
}
