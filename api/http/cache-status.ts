import { hash } from 'node:crypto'
import type { Served } from '#platform/cache/served'

const forwarded = {
  absent: 'miss',
  changed: 'stale',
  expired: 'stale',
  bypass: 'request',
  off: 'bypass',
} as const

/** How the answer came about (RFC 9211), the tier nearest the database first. Served stale, its remaining life is negative.
 *  Operators are told the key and why. */
export function cacheStatusOf(
  served: Served,
  { isOperator, hasRedis }: { readonly isOperator: boolean; readonly hasRedis: boolean },
): string {
  const { held, outcome, tier, reason = 'absent', ttlSeconds } = served
  const collapsed = served.isCollapsed ? '; collapsed' : ''
  const stored = served.isStored ? '; stored' : ''
  const told = isOperator
    ? `; key="${hash('sha256', held.key, 'base64url').slice(0, 22)}"; detail=${outcome === 'miss' ? reason : outcome}`
    : ''
  if (outcome === 'miss') {
    const miss = `fwd=${forwarded[reason]}${stored}`
    return `${hasRedis ? `redis; ${miss}, ` : ''}memory; ${miss}${collapsed}${told}`
  }
  return tier === 'redis'
    ? `redis; hit; ttl=${ttlSeconds}, memory; fwd=miss; stored${collapsed}${told}`
    : `memory; hit; ttl=${ttlSeconds}${collapsed}${told}`
}
