import { remainingOf, secondsUntil, type Policy } from './window.ts'

/** What a caller is told of one policy. */
export type Verdict = {
  readonly isAllowed: boolean
  /** How many more are possible at this moment. */
  readonly remaining: number
  /** Seconds until more than `remaining` are possible, or what was refused is; 0 when nothing was used. */
  readonly resetSeconds: number
}

/** The counts of one partition: what this process counted itself, and what it has heard of the others. */
export type Counted = {
  readonly partition: string
  /** Tells this count from another of the same partition, which this process has forgotten. */
  readonly serial: number
  windowIndex: number
  own: number
  others: number
  ownBefore: number
  othersBefore: number
}

/**
 * Counts one policy in this process, for every partition. Each call is synchronous and takes a look-up and some arithmetic.
 *
 * Partitions lie in two generations. One that is asked for moves to the younger; after a window, or when the younger is full,
 * the older is dropped as a whole and the younger takes its place. So nothing needs a timer, what is counted is kept for one
 * window at least, and a million addresses cost no more than the bound: then those forgotten are the ones that were not seen
 * for longest, and they begin with a new quota. Refusing strangers instead would let an attacker lock everybody out.
 */
export class WindowCounts {
  readonly policy: Policy
  readonly windowMs: number
  readonly #partitionsMax: number
  readonly #changed = new Set<Counted>()
  #young = new Map<string, Counted>()
  #old = new Map<string, Counted>()
  #youngSinceIndex = 0
  #serial = 0

  constructor(policy: Policy, partitionsMax: number) {
    this.policy = policy
    this.windowMs = policy.windowSeconds * 1000
    this.#partitionsMax = partitionsMax
  }

  /** Counts if there is room. What is refused is not counted, and no other process hears of it. */
  take(partition: string, nowMs: number, cost: number): Verdict {
    const counted = this.#find(partition, nowMs) ?? this.#add(partition, nowMs)
    const remaining = this.#remaining(counted, nowMs)
    if (cost > remaining) {
      return this.#verdict(counted, { nowMs, remaining, wanted: cost, isAllowed: false })
    }
    counted.own += cost
    this.#changed.add(counted)
    const left = remaining - cost
    return this.#verdict(counted, { nowMs, remaining: left, wanted: left + 1, isAllowed: true })
  }

  /** The same without counting anything: whether one would be allowed. */
  look(partition: string, nowMs: number): Verdict {
    const counted = this.#find(partition, nowMs)
    if (counted === undefined) {
      const remaining = this.policy.quota
      return { isAllowed: remaining > 0, remaining, resetSeconds: 0 }
    }
    const remaining = this.#remaining(counted, nowMs)
    return this.#verdict(counted, {
      nowMs,
      remaining,
      wanted: remaining + 1,
      isAllowed: remaining > 0,
    })
  }

  /** Partitions that the others have not heard of since they were counted last, the longest waiting first. */
  collect(countMax: number, nowMs: number): readonly Counted[] {
    const collected: Counted[] = []
    for (const counted of this.#changed) {
      if (collected.length === countMax) {
        break
      }
      this.#roll(counted, nowMs)
      this.#changed.delete(counted)
      collected.push(counted)
    }
    return collected
  }

  /** Takes back what could not be handed over. */
  putBack(counted: readonly Counted[]): void {
    counted.forEach((one) => this.#changed.add(one))
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  #verdict(
    { own, others, ownBefore, othersBefore, windowIndex }: Counted,
    of: { nowMs: number; remaining: number; wanted: number; isAllowed: boolean },
  ): Verdict {
    const { nowMs, remaining, wanted, isAllowed } = of
    const use = {
      previousCount: ownBefore + othersBefore,
      currentCount: own + others,
      elapsedMs: this.#elapsedMs(windowIndex, nowMs),
    }
    const most = Math.min(wanted, this.policy.quota)
    return { isAllowed, remaining, resetSeconds: secondsUntil(this.policy, use, most) }
  }

  #remaining(counted: Counted, nowMs: number): number {
    return remainingOf(this.policy, {
      previousCount: counted.ownBefore + counted.othersBefore,
      currentCount: counted.own + counted.others,
      elapsedMs: this.#elapsedMs(counted.windowIndex, nowMs),
    })
  }

  /** Within the window, also when the clock was set back a little. */
  #elapsedMs(windowIndex: number, nowMs: number): number {
    return Math.min(Math.max(nowMs - windowIndex * this.windowMs, 0), this.windowMs)
  }

  #find(partition: string, nowMs: number): Counted | undefined {
    const young = this.#young.get(partition)
    const counted = young ?? this.#old.get(partition)
    if (counted === undefined) {
      return undefined
    }
    if (young === undefined) {
      this.#makeRoom(nowMs)
      this.#young.set(partition, counted)
      this.#old.delete(partition)
    }
    this.#roll(counted, nowMs)
    return counted
  }

  #add(partition: string, nowMs: number): Counted {
    this.#makeRoom(nowMs)
    const windowIndex = Math.floor(nowMs / this.windowMs)
    const serial = (this.#serial += 1)
    const empty = { own: 0, others: 0, ownBefore: 0, othersBefore: 0 }
    const counted = { partition, serial, windowIndex, ...empty }
    this.#young.set(partition, counted)
    return counted
  }

  /** What lay in the older generation was last asked for before the last window began. */
  #makeRoom(nowMs: number): void {
    const index = Math.floor(nowMs / this.windowMs)
    const isFull = this.#young.size >= this.#partitionsMax / 2
    if (isFull || index > this.#youngSinceIndex + 1) {
      this.#old.forEach((counted) => this.#changed.delete(counted))
      this.#old = this.#young
      this.#young = new Map()
      this.#youngSinceIndex = index
    }
  }

  #roll(counted: Counted, nowMs: number): void {
    const index = Math.floor(nowMs / this.windowMs)
    const passed = index - counted.windowIndex
    // One window back is a clock that was put right by a moment; more is another clock, by which nothing was counted.
    if (passed === 0 || passed === -1) {
      return
    }
    counted.ownBefore = passed === 1 ? counted.own : 0
    counted.othersBefore = passed === 1 ? counted.others : 0
    counted.own = 0
    counted.others = 0
    counted.windowIndex = index
  }
}
