import { randomBytes, randomUUIDv7 } from 'node:crypto'

/** Randomness as an argument, so that a test can seed it. The only file that may read the real source. */
export type Random = {
  /** A new UUIDv7 in lower case: sortable by its millisecond. */
  uuid(): string
  /** `count` bytes from a cryptographic source. */
  bytes(count: number): Buffer
  /** A number in [0, 1), for jitter and sampling only. */
  fraction(): number
}

export const systemRandom: Random = {
  uuid: () => randomUUIDv7(),
  bytes: (count) => randomBytes(count),
  fraction: () => Math.random(),
}
