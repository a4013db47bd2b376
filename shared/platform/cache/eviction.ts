/**
 * What leaves when the bytes are spent: S3-FIFO (SOSP 2023), weighted by bytes. New answers queue in `small`; those that were
 * used there go on to `main`, the others leave at once, so that a scan crosses a seventh of the memory and touches nothing
 * else. What comes back soon after it left goes to `main`. The oldest of `main` stays as often as it was used, up to 7 times.
 * Two changes: a use so soon after the first that it belongs to the same visit does not count, and a search for what leaves
 * ends after 32 steps, for else one request may have to walk past every answer.
 *
 * Share of the distance from LRU to the optimum that is gained, mean of 13 (trace, capacity), and the worst loss against LRU
 * in points of hit ratio: this 28 %, none (`npm run bench -- hit-ratio`, 2026-11-25). Refused, each in its best variant tried:
 * S3-FIFO as published 25 %, 0.7; 2Q 18 %, none; W-TinyLFU 18 %, 0.3 (window of a half, or climbing); LIRS 15 %, 0.6;
 * ARC 14 %, none; SIEVE 6 %, 2.6; FIFO -25 %, 4.8.
 */
import { createGhosts, hashKey } from './eviction-ghosts.ts'
import {
  createEvictionQueue,
  dequeue,
  enqueue,
  type EvictionQueue,
  type Resident,
} from './eviction-queue.ts'

/** Keeps the sum of bytes within its bound. Every call is O(1) amortised over what was admitted; none walks over all. */
export type Eviction<V> = {
  /** Makes room, then takes in what was not there. */
  admit(key: string, value: V, bytes: number): Resident<V>
  /** Counts a use. */
  use(resident: Resident<V>): void
  /** Makes room for its other size; it stays itself, among what leaves last. */
  resize(resident: Resident<V>, bytes: number): void
  /** Takes out what is no longer true. If it was in use and comes back, it comes back as used. */
  remove(resident: Resident<V>): void
  clear(): void
  bytes(): number
  count(): number
}

// On the traces 0.1 to 0.2, 0.1 to 0.4, 3 to 15 and 8 to no end lie within 3 points of share of each other; with `smallRatio`
// at 0.1 some lose to LRU at small capacities.
const smallRatio = 0.15
/** A use counts once this part of `small` has come in since. */
const visitRatio = 0.1
const usesMax = 7
const stepsMax = 32

/** @param onEvicted is told what left to make room. To ask for room for more than `bytesMax` is the caller's mistake. */
export function createEviction<V>({
  bytesMax,
  onEvicted,
}: {
  readonly bytesMax: number
  readonly onEvicted: (resident: Resident<V>) => void
}): Eviction<V> {
  const small = createEvictionQueue<V>()
  const main = createEvictionQueue<V>()
  const segments = { small, main, smallBytesMax: bytesMax * smallRatio }
  const visitBytes = segments.smallBytesMax * visitRatio
  const ghosts = createGhosts()
  let enteredBytes = 0
  const count = () => small.count + main.count

  function makeRoom(bytes: number): void {
    while (small.bytes + main.bytes + bytes > bytesMax) {
      const resident = chooseVictim(segments)
      if (resident.queue === small) {
        ghosts.remember(resident.keyHash, count())
      }
      dequeue(resident)
      onEvicted(resident)
    }
  }

  return {
    admit(key, value, bytes) {
      const keyHash = hashKey(key)
      const queue = ghosts.take(keyHash, count()) ? main : small
      makeRoom(bytes)
      enteredBytes += queue === small ? bytes : 0
      const enteredAtBytes = enteredBytes
      const links = { queue, newer: undefined, older: undefined }
      const resident = { key, keyHash, value, bytes, usesCount: 0, enteredAtBytes, ...links }
      enqueue(queue, resident)
      return resident
    },
    use(resident) {
      const isVisit =
        resident.queue === small && enteredBytes - resident.enteredAtBytes < visitBytes
      if (resident.usesCount < usesMax && !isVisit) {
        resident.usesCount += 1
      }
    },
    resize(resident, bytes) {
      dequeue(resident)
      makeRoom(bytes)
      resident.bytes = bytes
      enqueue(resident.queue, resident)
    },
    remove(resident) {
      if (resident.queue === main || resident.usesCount > 0) {
        ghosts.remember(resident.keyHash, count())
      }
      dequeue(resident)
    },
    clear() {
      Object.assign(small, createEvictionQueue<V>())
      Object.assign(main, createEvictionQueue<V>())
      ghosts.clear()
      enteredBytes = 0
    },
    bytes: () => small.bytes + main.bytes,
    count,
  }
}

type Segments<V> = {
  readonly small: EvictionQueue<V>
  readonly main: EvictionQueue<V>
  readonly smallBytesMax: number
}

/** What leaves next. What was used in `small` moves to `main` on the way. */
function chooseVictim<V>({ small, main, smallBytesMax }: Segments<V>): Resident<V> {
  let victim = small.oldest
  for (let step = 0; victim && small.bytes >= smallBytesMax; step += 1) {
    if (victim.usesCount === 0) {
      return victim
    }
    if (step === stepsMax) {
      // The search goes on when the next one comes in. Of what it did not reach the newest has shown the least.
      return small.newest ?? victim
    }
    victim.usesCount = 0
    dequeue(victim)
    enqueue(main, victim)
    victim = small.oldest
  }
  victim = findLeastUsed(main) ?? small.oldest
  if (!victim) {
    throw new Error('asked for more room than there is')
  }
  return victim
}

/** The oldest that was not used since it was last passed over, or else the least used of those passed over now. */
function findLeastUsed<V>(main: EvictionQueue<V>): Resident<V> | undefined {
  let least = main.oldest
  for (let step = 0; step < stepsMax; step += 1) {
    const resident = main.oldest
    if (!resident || resident.usesCount === 0) {
      return resident
    }
    resident.usesCount -= 1
    least = least && least.usesCount <= resident.usesCount ? least : resident
    dequeue(resident)
    enqueue(main, resident)
  }
  return least
}
