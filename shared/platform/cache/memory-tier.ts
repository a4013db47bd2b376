import NodeCache from 'node-cache'
import type { Resident } from './eviction-queue.ts'
import { createEviction } from './eviction.ts'

/** The tier in this process. Values are handed out as they are, so nobody may change them. Bounded in bytes at all times;
 *  what is read stays longest. A hit costs 50 to 250 ns, and 1 µs where all of 10^5 answers are out of the processor's caches;
 *  each answer costs about `residentOverheadBytes` beside its own bytes. */
export type MemoryTier<V> = {
  /** Counts as a use. */
  get(key: string): V | undefined
  /** Counts as no use: for operators and for comparing. */
  peek(key: string): V | undefined
  /** Keeps it in place of what was there, unless it is larger than an eighth of the bound; then nothing is there. Neither is
   *  under `__proto__`, which node-cache cannot delete. */
  set(key: string, value: V): void
  /** Measures the value again, after it was given something, such as a compressed variant. Too large, it leaves. */
  resize(key: string): void
  delete(key: string): void
  clear(): void
  /** The sum of what `sizeOf` says. Never above `bytesMax`. */
  bytes(): number
  count(): number
  /** In no order that matters; what leaves meanwhile is left out. O(n), for operators. */
  entries(): Iterable<[string, V]>
  /** Those that had to leave to make room, since the tier was made. */
  evictedCount(): number
}

export type MemoryTierBounds<V> = {
  readonly bytesMax: number
  /** At least 0, and the same for a value until `resize`. */
  readonly sizeOf: (value: V) => number
}

/** Bytes of heap that an answer costs beside its key and its value, which `sizeOf` should add to what it counts: else a
 *  million empty answers are free. Measured: node 26, 10^5 entries. */
export const residentOverheadBytes = 220

/** One large answer is not worth many small ones, and must not push them out. */
const valueShareMax = 1 / 8

/** Keeps answers in node-cache without clones, lifetimes or timers. Its own bound, `maxKeys`, throws instead of making room. */
export function createMemoryTier<V>({ bytesMax, sizeOf }: MemoryTierBounds<V>): MemoryTier<V> {
  const storage = new NodeCache({ useClones: false, stdTTL: 0, checkperiod: 0 })
  let evictedCount = 0
  const eviction = createEviction<V>({
    bytesMax,
    onEvicted: ({ key }) => {
      storage.del(key)
      evictedCount += 1
    },
  })
  // null for what every object inherits, such as `constructor`
  const find = (key: string) => storage.get<Resident<V> | null>(key)
  const isKept = (bytes: number) => bytes >= 0 && bytes <= bytesMax * valueShareMax

  function discard(resident: Resident<V>): void {
    eviction.remove(resident)
    storage.del(resident.key)
  }

  function refit(resident: Resident<V>, bytes: number): void {
    if (isKept(bytes)) {
      eviction.resize(resident, bytes)
    } else {
      discard(resident)
    }
  }

  return {
    get(key) {
      const resident = find(key)
      if (resident) {
        eviction.use(resident)
      }
      return resident?.value
    },
    peek: (key) => find(key)?.value,
    set(key, value) {
      const bytes = sizeOf(value)
      const resident = find(key)
      if (resident) {
        resident.value = value
        refit(resident, bytes)
      } else if (isKept(bytes) && key !== '__proto__') {
        storage.set(key, eviction.admit(key, value, bytes))
      }
    },
    resize(key) {
      const resident = find(key)
      if (resident) {
        refit(resident, sizeOf(resident.value))
      }
    },
    delete(key) {
      const resident = find(key)
      if (resident) {
        discard(resident)
      }
    },
    clear() {
      storage.flushAll()
      eviction.clear()
    },
    bytes: () => eviction.bytes(),
    count: () => eviction.count(),
    entries: () => findAll(storage.keys(), find),
    evictedCount: () => evictedCount,
  }
}

function* findAll<V>(
  keys: readonly string[],
  find: (key: string) => Resident<V> | null | undefined,
): Iterable<[string, V]> {
  for (const key of keys) {
    const resident = find(key)
    if (resident) {
      yield [key, resident.value]
    }
  }
}
