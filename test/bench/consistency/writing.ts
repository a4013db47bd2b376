import { sql } from 'kysely'
import type { Consistency } from '../../../shared/platform/cache/consistency-token.ts'
import { transaction, type Transaction } from '../../../shared/platform/database/transaction.ts'
import type { Business } from '../../support/business.ts'
import { machineMs } from '../machine-clock.ts'
import type { Dice } from './dice.ts'
import type { Event } from './knowledge.ts'
import type { Member } from './member.ts'
import { cells, type Cell } from './universe.ts'
import { statementsFor } from './writes.ts'

/** A write that is over and was acknowledged. */
export type Acknowledged = {
  readonly cells: readonly number[]
  /** By cell. */
  readonly versions: ReadonlyMap<number, number>
  /** What the writer's reader may show; none of a foreign write. */
  readonly consistency: Consistency | undefined
}

type Listener = {
  /** Is told of every write before it begins, and after it was acknowledged. */
  readonly onEvent: (event: Event) => void
  readonly onAcknowledged: (written: Acknowledged) => void
}

type Way = 'plain' | 'early' | 'late' | 'rollback' | 'foreign' | 'foreign late'

/** Of a hundred writes. */
const ways: readonly (readonly [Way, number])[] = [
  ['plain', 45],
  ['early', 12],
  ['late', 12],
  ['rollback', 8],
  ['foreign', 15],
  ['foreign late', 8],
]

/** How many writes of the large organisation there are among all of its lane. */
const bulkShare = 0.02

/** Thrown to have a transaction rolled back. */
class RolledBack extends Error {}

/** Gives the cells of one lane their versions, one after another. */
export class Writing {
  readonly #member: Member
  readonly #organisationIds: readonly string[]
  readonly #dice: Dice
  readonly #listener: Listener
  readonly #free: Set<Cell>
  readonly #versions = new Map<Cell, number>()
  readonly counts = { acknowledged: 0, rolledBack: 0, unknown: 0 }

  constructor(
    member: Member,
    {
      organisationIds,
      dice,
      lane,
    }: {
      readonly organisationIds: readonly string[]
      readonly dice: Dice
      readonly lane: number
    },
    listener: Listener,
  ) {
    this.#member = member
    this.#organisationIds = organisationIds
    this.#dice = dice
    this.#listener = listener
    this.#free = new Set(cells.filter((cell) => cell.lane === lane))
  }

  /** One write of whatever kind. What its outcome is nobody knows when it fails. */
  async write(): Promise<void> {
    const way = this.#way()
    const chosen = this.#choose()
    chosen.forEach((cell) => this.#free.delete(cell))
    const written = new Map(chosen.map((cell) => [cell, (this.#versions.get(cell) ?? 0) + 1]))
    const isVoid = way === 'rollback'
    for (const [cell, version] of written) {
      this.#versions.set(cell, version)
      const atMs = machineMs()
      this.#listener.onEvent({ kind: 'started', cell: cell.index, version, atMs, isVoid })
    }
    try {
      await this.#commit(way, written)
      await this.#acknowledge(way, written)
    } catch (error) {
      this.counts[error instanceof RolledBack ? 'rolledBack' : 'unknown'] += 1
    } finally {
      chosen.forEach((cell) => this.#free.add(cell))
    }
  }

  #way(): Way {
    let rest = this.#dice.below(100)
    for (const [way, share] of ways) {
      rest -= share
      if (rest < 0) {
        return way
      }
    }
    return 'plain'
  }

  /** One or two that nobody writes now. */
  #choose(): readonly Cell[] {
    const free = [...this.#free]
    const bulk = free.find(({ kind }) => kind === 'bulk')
    if (bulk && this.#dice.fraction() < bulkShare) {
      return [bulk]
    }
    const small = free.filter(({ kind }) => kind !== 'bulk')
    const first = this.#dice.below(small.length)
    const second = this.#dice.fraction() < 0.3 ? this.#dice.below(small.length) : first
    return [...new Set([first, second])].flatMap((index) => small[index] ?? [])
  }

  async #commit(way: Way, written: ReadonlyMap<Cell, number>): Promise<void> {
    const isForeign = way.startsWith('foreign')
    const slice: Business = isForeign ? this.#member.foreign : this.#member.writing
    await transaction(slice, async (tx) => {
      if (way === 'early') {
        await tx.run(sql`select pg_current_xact_id()`)
        await this.#pause(slice)
      }
      await this.#change(tx, written)
      if (way === 'late' || way === 'foreign late') {
        await this.#pause(slice)
      }
      if (way === 'rollback') {
        throw new RolledBack('as it was meant to')
      }
    })
  }

  async #change(tx: Transaction, written: ReadonlyMap<Cell, number>): Promise<void> {
    const making = { organisationIds: this.#organisationIds, dice: this.#dice }
    for (const [cell, version] of written) {
      for (const statement of statementsFor(cell, version, making)) {
        await tx.run(statement)
      }
    }
  }

  async #acknowledge(way: Way, written: ReadonlyMap<Cell, number>): Promise<void> {
    const isForeign = way.startsWith('foreign')
    const consistency = isForeign ? undefined : await this.#member.cache.acknowledge()
    for (const [{ index: cell }, version] of written) {
      const atMs = machineMs()
      this.#listener.onEvent({ kind: 'acknowledged', cell, version, atMs, isForeign })
    }
    this.counts.acknowledged += 1
    const versions = new Map([...written].map(([{ index }, version]) => [index, version]))
    this.#listener.onAcknowledged({ cells: [...versions.keys()], versions, consistency })
  }

  /** While others begin and commit. */
  #pause({ clock }: Business): Promise<void> {
    return clock.sleep(2 + 30 * this.#dice.fraction())
  }
}
