import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { Problem } from '#platform/problem'
import type { Random } from '#platform/random'
import { problems } from './problems.ts'

// tg_sk_ + 43 characters of secret + 6 of checksum. The prefix lets secret scanners and people tell what was leaked;
// the checksum refuses a typo or a cut-off paste without a look-up. The secret has 256 random bits, so one round of
// SHA-256 is all that storing it needs: a slow hash protects what can be guessed, and this cannot.

/** What each kind of credential begins with. */
export const prefixes = {
  secret: 'tg_sk_',
  publishable: 'tg_pk_',
  member: 'tg_mt_',
  admin: 'tg_at_',
} as const

export type CredentialKind = keyof typeof prefixes

/** What may be known of a credential without knowing its secret; all that is ever stored. */
export type Credential = {
  readonly kind: CredentialKind
  readonly prefix: string
  /** SHA-256 of the whole text. */
  readonly hash: Buffer
  /** The end of the text, by which its owner recognises it in a list. */
  readonly lastFour: string
}

/** A new credential. `text` is shown to its owner once and kept nowhere. */
export type MintedCredential = Credential & { readonly text: string }

/** Makes a credential of 32 random bytes. Storing it is the caller's next step. */
export function mintCredential(kind: CredentialKind, random: Random): MintedCredential {
  const secret = base62(BigInt(`0x${random.bytes(secretBytes).toString('hex')}`), secretLength)
  const signed = prefixes[kind] + secret
  const text = signed + checksum(signed)
  return { ...describe(kind, text), text }
}

/** The credential that a text claims to be, or undefined when its shape or checksum is wrong. Costs no look-up. */
export function recogniseCredential(text: string): Credential | undefined {
  const prefix = pattern.exec(text)?.[1]
  const kind = prefix === undefined ? undefined : kindOf.get(prefix)
  if (
    kind === undefined ||
    checksum(text.slice(0, -checksumLength)) !== text.slice(-checksumLength)
  ) {
    return undefined
  }
  return describe(kind, text)
}

/** Like `recogniseCredential`, for callers to whom a typo should be explained.
 *  @throws {Problem} members/credential-malformed */
export function parseCredential(text: string): Credential {
  const credential = recogniseCredential(text)
  if (credential === undefined) {
    throw new Problem(
      problems.credentialMalformed,
      'The credential is incomplete or mistyped: its prefix, length or checksum is wrong.',
    )
  }
  return credential
}

const secretBytes = 32
/** Characters that any 256 bits fit into: 62^43 > 2^256 > 62^42. */
const secretLength = 43
/** Characters that any CRC-32 fits into: 62^6 > 2^32 > 62^5. */
const checksumLength = 6

const pattern = new RegExp(`^(tg_[a-z]{2}_)[0-9A-Za-z]{${secretLength + checksumLength}}$`)
const kindOf: ReadonlyMap<string, CredentialKind> = new Map([
  [prefixes.secret, 'secret'],
  [prefixes.publishable, 'publishable'],
  [prefixes.member, 'member'],
  [prefixes.admin, 'admin'],
])

function describe(kind: CredentialKind, text: string): Credential {
  const hash = createHash('sha256').update(text).digest()
  return { kind, prefix: prefixes[kind], hash, lastFour: text.slice(-4) }
}

function checksum(signed: string): string {
  return base62(BigInt(crc32(signed)), checksumLength)
}

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

function base62(value: bigint, length: number): string {
  let text = ''
  for (let rest = value; rest > 0n; rest /= 62n) {
    text = digits.charAt(Number(rest % 62n)) + text
  }
  return text.padStart(length, '0')
}
