import { createMemoryTier } from '#platform/cache/memory-tier'
import type { Trace } from './cache-traces.ts'

/** Hits of a cache that holds so many entries of one size, begins empty and sees the whole trace; 0 to 1. */
export type HitRatio = (trace: Trace, capacity: number) => number

const anything = {}

/** The memory tier as the product runs it; of entries that weigh one byte. */
export const hitRatioOfTier: HitRatio = ({ keys, requests }, capacity) => {
  const tier = createMemoryTier({ bytesMax: capacity, sizeOf: () => 1 })
  let hitCount = 0
  for (const index of requests) {
    const key = keys[index] ?? ''
    if (tier.get(key)) {
      hitCount += 1
    } else {
      tier.set(key, anything)
    }
  }
  return hitCount / requests.length
}

/** Least recently used. */
export const hitRatioOfLru: HitRatio = ({ keys, requests }, capacity) => {
  const head = keys.length
  const newer = new Int32Array(head + 1).fill(-1)
  const older = new Int32Array(head + 1).fill(head)
  newer[head] = head
  const unlink = (index: number) => {
    newer[at(older, index)] = at(newer, index)
    older[at(newer, index)] = at(older, index)
    newer[index] = -1
  }
  let [count, hitCount] = [0, 0]
  for (const index of requests) {
    if (at(newer, index) >= 0) {
      hitCount += 1
      unlink(index)
    } else if (count === capacity) {
      unlink(at(newer, head))
    } else {
      count += 1
    }
    // The ring runs from the head over the newest to the oldest and back.
    const newest = at(older, head)
    older[index] = newest
    newer[index] = head
    newer[newest] = index
    older[head] = index
  }
  return hitCount / requests.length
}

/** Belady's optimum: what is needed latest leaves. No cache that takes in everything can do better. */
export const hitRatioOfOptimum: HitRatio = ({ keys, requests }, capacity) => {
  const next = nextRequests(requests, keys.length)
  const neededAt = new Int32Array(keys.length).fill(-1)
  const latest = createMaximum(keys.length)
  let [count, hitCount] = [0, 0]
  for (const [now, index] of requests.entries()) {
    if (at(neededAt, index) >= 0) {
      hitCount += 1
    } else if (count === capacity) {
      let victim = latest.pop()
      while (at(neededAt, victim.index) !== victim.needed) {
        victim = latest.pop()
      }
      neededAt[victim.index] = -1
    } else {
      count += 1
    }
    neededAt[index] = at(next, now)
    latest.push(at(next, now), index)
  }
  return hitCount / requests.length
}

/** For each request when its key is asked for again; the length of the trace for never. */
function nextRequests(requests: Uint32Array, keysCount: number): Int32Array {
  const next = new Int32Array(requests.length)
  const seenAt = new Int32Array(keysCount).fill(requests.length)
  for (let now = requests.length - 1; now >= 0; now -= 1) {
    const index = at(requests, now)
    next[now] = at(seenAt, index)
    seenAt[index] = now
  }
  return next
}

/** A binary heap; each pair is one number, so that comparing is cheap. */
function createMaximum(keysCount: number) {
  const heap: number[] = []
  return {
    push(needed: number, index: number) {
      const pair = needed * keysCount + index
      let place = heap.push(pair) - 1
      while (place > 0 && at(heap, (place - 1) >> 1) < pair) {
        heap[place] = at(heap, (place - 1) >> 1)
        place = (place - 1) >> 1
      }
      heap[place] = pair
    },
    pop() {
      const top = at(heap, 0)
      const last = heap.pop() ?? 0
      let place = 0
      for (let child = 1; child < heap.length; child = place * 2 + 1) {
        child += child + 1 < heap.length && at(heap, child + 1) > at(heap, child) ? 1 : 0
        if (at(heap, child) <= last) {
          break
        }
        heap[place] = at(heap, child)
        place = child
      }
      if (heap.length > 0) {
        heap[place] = last
      }
      return { needed: Math.floor(top / keysCount), index: top % keysCount }
    },
  }
}

function at(values: { readonly [index: number]: number }, index: number): number {
  return values[index] ?? Number.NaN
}
