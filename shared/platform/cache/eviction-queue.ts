/** An answer that is kept, linked into the queue that it stands in, so that nothing is allocated beside it. */
export type Resident<V> = {
  readonly key: string
  /** 32 bits that stand for the key among the ghosts. */
  readonly keyHash: number
  value: V
  bytes: number
  /** Uses that count in its favour; each time it is passed over takes one away. */
  usesCount: number
  /** Bytes that had come in when it had. */
  readonly enteredAtBytes: number
  queue: EvictionQueue<V>
  newer: Resident<V> | undefined
  older: Resident<V> | undefined
}

/** First in, first out, but whatever stands in it can leave at any time. */
export type EvictionQueue<V> = {
  newest: Resident<V> | undefined
  oldest: Resident<V> | undefined
  bytes: number
  count: number
}

export function createEvictionQueue<V>(): EvictionQueue<V> {
  return { newest: undefined, oldest: undefined, bytes: 0, count: 0 }
}

/** Puts in as the newest what stands in no queue. O(1). */
export function enqueue<V>(queue: EvictionQueue<V>, resident: Resident<V>): void {
  resident.queue = queue
  resident.newer = undefined
  resident.older = queue.newest
  if (queue.newest) {
    queue.newest.newer = resident
  } else {
    queue.oldest = resident
  }
  queue.newest = resident
  queue.bytes += resident.bytes
  queue.count += 1
}

/** Takes it out of the queue that it stands in. O(1). */
export function dequeue<V>(resident: Resident<V>): void {
  const { queue, newer, older } = resident
  if (newer) {
    newer.older = older
  } else {
    queue.newest = older
  }
  if (older) {
    older.newer = newer
  } else {
    queue.oldest = newer
  }
  queue.bytes -= resident.bytes
  queue.count -= 1
}
