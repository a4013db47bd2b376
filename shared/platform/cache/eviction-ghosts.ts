/** Remembers which keys left lately, not what they held. */
export type Ghosts = {
  /** @param residentCount how many keys there are that may leave; room is kept for twice as many */
  remember(keyHash: number, residentCount: number): void
  /** Whether that key left while at most `leftCountMax` others have left since; it is forgotten by that. */
  take(keyHash: number, leftCountMax: number): boolean
  clear(): void
}

const waysCount = 4

/**
 * A table of buckets of four places, 8 bytes each, in which the newest pushes out the oldest of its bucket: every call looks
 * at four places, whatever the keys, and keeps none of their text. Keys made to collide gain what asking for each of them
 * twice would.
 */
export function createGhosts(): Ghosts {
  let hashes = new Int32Array(0)
  /** The number of the departure, modulo 2^32. */
  let departures = new Uint32Array(0)
  let departedCount = 0
  const age = (place: number): number => (departedCount - (departures[place] ?? 0)) >>> 0
  const bucketOf = (keyHash: number): number => keyHash & (hashes.length - waysCount)

  /** Begins afresh with more places. That happens as the number of residents grows, when there is little to forget. */
  function grow(residentCount: number): void {
    const placesCount = Math.max(64, 2 ** Math.ceil(Math.log2(residentCount * 4)))
    hashes = new Int32Array(placesCount)
    departures = new Uint32Array(placesCount)
  }

  return {
    remember(keyHash, residentCount) {
      if (hashes.length < residentCount * 2) {
        grow(residentCount)
      }
      departedCount = (departedCount + 1) >>> 0
      const bucket = bucketOf(keyHash)
      let place = bucket
      for (let other = bucket; other < bucket + waysCount; other += 1) {
        if (hashes[other] === 0 || hashes[other] === keyHash) {
          place = other
          break
        }
        place = age(other) > age(place) ? other : place
      }
      hashes[place] = keyHash
      departures[place] = departedCount
    },
    take(keyHash, leftCountMax) {
      const bucket = bucketOf(keyHash)
      for (let place = bucket; place < bucket + waysCount; place += 1) {
        if (hashes[place] === keyHash) {
          hashes[place] = 0
          return age(place) <= leftCountMax
        }
      }
      return false
    },
    clear() {
      hashes = new Int32Array(0)
      departures = new Uint32Array(0)
    },
  }
}

/** 32 bits of a key, never 0: FNV-1a over its UTF-16 units, stirred at the end. O(length), about 1 ns a unit. */
export function hashKey(key: string): number {
  let hash = 0x81_1c_9d_c5
  for (let index = 0; index < key.length; index += 1) {
    // oxlint-disable-next-line unicorn/prefer-code-point -- a surrogate is a unit like the others, and this is faster
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01_00_01_93)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85_eb_ca_6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2_b2_ae_35)
  return hash ^ (hash >>> 16) || 1
}
