import type { Random } from '#platform/random'

/** Letters and digits that nobody confuses when reading aloud; 32 of them, so that a byte maps without bias. */
const alphabet = '23456789abcdefghijkmnpqrstuvwxyz'
const codeLength = 12

/** A short code of 60 random bits: unguessable in practice, and no two of them meet. */
export function makeShortCode(random: Random): string {
  return [...random.bytes(codeLength)].map((byte) => alphabet[byte % alphabet.length]).join('')
}
