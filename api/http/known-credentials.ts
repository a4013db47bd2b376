import { hash } from 'node:crypto'

/** Credentials that were good when they were last looked up, under their hashes. Bounded; the longest unused are forgotten. */
export type KnownCredentials = {
  add(credential: string): void
  has(credential: string): boolean
}

/** Of each of two generations. */
const credentialsMax = 10_000

export function createKnownCredentials(): KnownCredentials {
  let young = new Set<string>()
  let old = new Set<string>()
  const digestOf = (credential: string): string => hash('sha256', credential, 'base64url')
  const keep = (digest: string): void => {
    if (young.size >= credentialsMax) {
      old = young
      young = new Set()
    }
    young.add(digest)
  }
  return {
    add: (credential) => keep(digestOf(credential)),
    has(credential) {
      const digest = digestOf(credential)
      const isKnown = young.has(digest) || old.has(digest)
      if (isKnown) {
        keep(digest)
      }
      return isKnown
    },
  }
}
