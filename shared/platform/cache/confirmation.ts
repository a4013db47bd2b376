import type { Clock } from '../clock.ts'
import { within } from '../resilience/within.ts'
import type { ChangeLog } from './change-log.ts'
import type { Consistency } from './consistency-token.ts'
import type { Stamp } from './entry.ts'
import type { Follower } from './follower.ts'
import type { Held } from './held.ts'
import { covers } from './snapshot.ts'
import type { Statistics } from './statistics.ts'

export type ConfirmationOptions = {
  /** For so long after the last catch-up was sent answers are served as confirmed. */
  readonly trustMs: number
  /** How long a write waits to see its own change, and a reader to see what its token stands for. */
  readonly acknowledgeMs: number
}

type Parts = {
  readonly changes: ChangeLog
  readonly follower: Follower
  readonly statistics: Statistics
  readonly clock: Clock
}

/** How far what this process knows of the changes can be relied on: until when it has heard of everything. */
export class Confirmation {
  readonly #options: ConfirmationOptions
  readonly #parts: Parts
  /** A write was acknowledged that this process may not have seen: older answers are not served as if it had. */
  #distrustedAtMs = -Infinity

  constructor(options: ConfirmationOptions, parts: Parts) {
    this.#options = options
    this.#parts = parts
  }

  /** Everything committed before is known; or the answer itself was read later than that. */
  confirmedAtMs({ confirmedAtMs }: Pick<Held, 'confirmedAtMs'>): number {
    return Math.max(this.#parts.follower.confirmedAtMs(), confirmedAtMs)
  }

  /** Whether nothing can have been committed unheard longer ago than the bound. */
  isConfirmed(held: Pick<Held, 'confirmedAtMs'>, nowMs: number): boolean {
    return nowMs - this.confirmedAtMs(held) < this.#options.trustMs && !this.isDistrusted(held)
  }

  isDistrusted(held: Pick<Held, 'confirmedAtMs'>): boolean {
    return this.confirmedAtMs(held) <= this.#distrustedAtMs
  }

  /** Whether the process knows the changes within the bound, if need be by catching up. */
  async isInformed(): Promise<boolean> {
    const isWithinBound = (): boolean =>
      this.isConfirmed({ confirmedAtMs: -Infinity }, this.#parts.clock.monotonicMs())
    if (!isWithinBound()) {
      await this.#catchUp().catch(() => undefined)
    }
    return isWithinBound()
  }

  /** What is certainly seen by whatever is read from now on. */
  stamp(): Stamp | undefined {
    const { epoch, cursor } = this.#parts.changes
    return epoch !== undefined && cursor ? { epoch, snapshot: cursor } : undefined
  }

  /** To be awaited after COMMIT: when it cannot be seen that the change is known here, nothing older is trusted. */
  async acknowledge(): Promise<Consistency> {
    try {
      await this.#catchUp()
      return this.stamp() ?? 'primary'
    } catch {
      this.#distrustedAtMs = this.#parts.clock.monotonicMs()
      this.#parts.statistics.count('acknowledge-failed')
      return 'primary'
    }
  }

  /** Whether the process knows all that the reader must see; else only the primary can be asked. */
  async reach(consistency: Consistency): Promise<boolean> {
    const { statistics } = this.#parts
    if (consistency !== 'primary') {
      if (this.#hasSeen(consistency)) {
        return true
      }
      statistics.count('token-waited')
      await this.#catchUp().catch(() => undefined)
      if (this.#hasSeen(consistency)) {
        return true
      }
    }
    statistics.count('token-primary')
    return false
  }

  #hasSeen({ epoch, snapshot }: Stamp): boolean {
    const { changes } = this.#parts
    return (
      changes.epoch === epoch && changes.cursor !== undefined && covers(changes.cursor, snapshot)
    )
  }

  #catchUp(): Promise<void> {
    const { clock, follower } = this.#parts
    return within(this.#options.acknowledgeMs, clock, () => follower.catchUp())
  }
}
