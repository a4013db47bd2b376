import { createHmac, timingSafeEqual } from 'node:crypto'
import type { SigningKey } from '../config/http-kinds.ts'
import type { Stamp } from './entry.ts'
import { formatSnapshot, parseSnapshot } from './snapshot.ts'

/** What a reader wants to see at least: everything that was visible in the stamp; or, where nobody could tell what that is,
 *  whatever the primary has. */
export type Consistency = Stamp | 'primary'

/** Longest token that is looked at: a snapshot with several hundred running transactions. */
const charactersMax = 8_000

/** `v1.<key id>.<epoch, snapshot>.<signature>`. Signed, or anybody could make every read wait for a snapshot of the far future. */
export function writeToken(ring: readonly SigningKey[], consistency: Consistency): string {
  const [signer] = ring
  if (!signer) {
    throw new Error('the key ring is empty')
  }
  const text =
    consistency === 'primary'
      ? 'primary'
      : `${consistency.epoch} ${formatSnapshot(consistency.snapshot)}`
  const payload = Buffer.from(text).toString('base64url')
  return `v1.${signer.id}.${payload}.${sign(signer, payload)}`
}

/** Reads back what `writeToken` wrote; undefined for anything else. */
export function readToken(ring: readonly SigningKey[], token: string): Consistency | undefined {
  if (token.length > charactersMax) {
    return undefined
  }
  const [version, id, payload = '', signature = '', ...rest] = token.split('.')
  const key = ring.find((one) => one.id === id)
  if (version !== 'v1' || !key || rest.length > 0 || !isSame(signature, sign(key, payload))) {
    return undefined
  }
  const text = Buffer.from(payload, 'base64url').toString()
  const [epoch = '', snapshot] = text.split(' ')
  return snapshot === undefined ? 'primary' : { epoch, snapshot: parseSnapshot(snapshot) }
}

function sign(key: SigningKey, payload: string): string {
  // 160 bits; the first line keeps it apart from cursors, which the same keys sign
  return createHmac('sha256', key.secret)
    .update(`consistency\n${payload}`)
    .digest('base64url')
    .slice(0, 27)
}

function isSame(given: string, right: string): boolean {
  const one = Buffer.from(given)
  const other = Buffer.from(right)
  return one.length === other.length && timingSafeEqual(one, other)
}
