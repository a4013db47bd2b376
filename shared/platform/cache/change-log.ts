import type { Change, RowChange } from './change.ts'
import {
  anyRowTag,
  keyTag,
  rowTag,
  tableTag,
  valueTag,
  type Dependencies,
  type Membership,
} from './dependencies.ts'
import type { Stamp } from './entry.ts'
import { concerns } from './membership.ts'
import { covers, isVisible, type Snapshot } from './snapshot.ts'

/** What the log must know of a table to name its rows. */
export type TrackedTable = {
  readonly primaryKey: readonly string[]
  /** Columns by whose value lists are found: organisation, parent. */
  readonly scopes: readonly string[]
}

/** What a catch-up brings. */
export type CatchUp = {
  readonly epoch: string
  /** All changes that were ever removed from the table are visible in it. */
  readonly floor: Snapshot
  readonly snapshot: Snapshot
  /** Those not visible in the snapshot of the last catch-up; all that there are after a reset. */
  readonly changes: readonly Change[]
  /** There were more than can be taken in. */
  readonly isTruncated: boolean
}

/** An answer as the log looks at it. */
export type Tracked = {
  readonly key: string
  readonly stamp: Stamp
  readonly dependencies: Dependencies
  /** The tables among its tags. */
  readonly tables: readonly string[]
  /** All arrivals up to this one have been looked at and are visible in its snapshot. */
  checkedNumber: number
}

type Arrival = {
  readonly number: number
  readonly xid: number
  readonly rows: readonly RowChange[]
}

/** Pairs of tag and arrival that are kept; about 100 bytes each. */
const pairsMax = 500_000

/**
 * The local view of the table `change_log`: who changed what, in the order in which this process learned of it.
 *
 * An entry is stale if and only if some change that concerns it is not visible in its snapshot. So every change is kept with
 * its transaction id, and compared with the snapshot of the entry; only the greatest id of each tag would be wrong (100
 * opens, 105 commits, the fill sees 105, 100 commits). Arrival numbers say which changes an entry was compared with before.
 * What was forgotten here is below `floor`, and an entry is of use only if it saw all of that.
 */
export class ChangeLog {
  readonly #tables: ReadonlyMap<string, TrackedTable>
  readonly #onReset: () => void
  #epoch: string | undefined
  #cursor: Snapshot | undefined
  #floor: Snapshot = { xmin: 0, xmax: 0, xip: [] }
  #number = 0
  #forgottenNumber = 0
  #pairs = 0
  #byTag = new Map<string, Arrival[]>()
  /** The last arrival for each table; the empty name stands for what operators invalidate. */
  readonly #lastByTable = new Map<string, number>()
  /** Every arrival with its tags, oldest first. */
  #order: { readonly number: number; readonly tags: readonly string[] }[] = []
  /** After which arrival each catch-up ended that brought any, oldest first. */
  #batches: { readonly number: number; readonly snapshot: Snapshot }[] = []

  /** @param onReset is told when nothing that was kept before may be used any more */
  constructor(tables: ReadonlyMap<string, TrackedTable>, onReset: () => void) {
    this.#tables = tables
    this.#onReset = onReset
  }

  get epoch(): string | undefined {
    return this.#epoch
  }

  /** What the last catch-up saw; undefined before the first one, which must bring all changes that there are. */
  get cursor(): Snapshot | undefined {
    return this.#cursor
  }

  /** The number of the last arrival. An entry that is filled here saw everything up to the one at which its statement was
   *  sent: it arrived here, so it had been committed. */
  get number(): number {
    return this.#number
  }

  get pairs(): number {
    return this.#pairs
  }

  /** Takes a catch-up in. The next one must ask for what is not visible in its snapshot. */
  apply({ epoch, floor, snapshot, changes, isTruncated }: CatchUp): void {
    const isFirst = this.#cursor === undefined
    const hasMissed = !isFirst && (this.#epoch !== epoch || !this.#hasSeen(floor, snapshot))
    if (isFirst || hasMissed || isTruncated) {
      this.#reset(isFirst && !isTruncated ? floor : snapshot)
      this.#epoch = epoch
    }
    if (!hasMissed && !isTruncated) {
      changes.forEach((change) => this.#arrive(change))
      if (changes.length > 0) {
        this.#batches.push({ number: this.#number, snapshot })
      }
    }
    this.#cursor = snapshot
    this.#forget()
  }

  /** Whether no change that concerns the entry is invisible in its snapshot, as far as is known here. One comparison when
   *  nothing has arrived since it was asked last. */
  isCurrent(entry: Tracked): boolean {
    const { stamp, tables, checkedNumber } = entry
    if (checkedNumber === this.#number && stamp.epoch === this.#epoch) {
      return true
    }
    if (stamp.epoch !== this.#epoch) {
      return false
    }
    if (checkedNumber < this.#forgottenNumber && !covers(stamp.snapshot, this.#floor)) {
      return false
    }
    const isNamed = this.#isAfter('', checkedNumber)
    const isTouched = isNamed || tables.some((table) => this.#isAfter(table, checkedNumber))
    if (isTouched && this.#isStale(entry, isNamed)) {
      return false
    }
    entry.checkedNumber = this.#number
    return true
  }

  /** Up to which arrival an entry from elsewhere needs no comparison; undefined when it did not see what is forgotten here. */
  numberSeenBy({ epoch, snapshot }: Stamp): number | undefined {
    if (epoch !== this.#epoch) {
      return undefined
    }
    const batch = this.#batches.findLast((one) => covers(snapshot, one.snapshot))
    return batch?.number ?? (covers(snapshot, this.#floor) ? this.#forgottenNumber : undefined)
  }

  #isAfter(table: string, number: number): boolean {
    return (this.#lastByTable.get(table) ?? 0) > number
  }

  /** @param isNamed operators have named something since, which could be the key */
  #isStale({ key, stamp, dependencies, checkedNumber }: Tracked, isNamed: boolean): boolean {
    const { snapshot } = stamp
    const isUnseen = (arrival: Arrival): boolean =>
      arrival.number > checkedNumber && !isVisible(arrival.xid, snapshot)
    return (
      (isNamed && this.#someSince(keyTag(key), checkedNumber, isUnseen)) ||
      dependencies.tags.some((tag) => this.#someSince(tag, checkedNumber, isUnseen)) ||
      dependencies.memberships.some((membership) =>
        this.#someSince(
          membership.collection,
          checkedNumber,
          (arrival) => isUnseen(arrival) && isConcerned(membership, arrival),
        ),
      )
    )
  }

  #someSince(tag: string, number: number, test: (arrival: Arrival) => boolean): boolean {
    const arrivals = this.#byTag.get(tag)
    if (arrivals === undefined) {
      return false
    }
    for (let index = arrivals.length - 1; index >= 0; index -= 1) {
      const arrival = arrivals[index]
      if (arrival === undefined || arrival.number <= number) {
        return false
      }
      if (test(arrival)) {
        return true
      }
    }
    return false
  }

  /** Whether this process saw everything that has been removed from the table, and no time has run backwards. */
  #hasSeen(floor: Snapshot, snapshot: Snapshot): boolean {
    const cursor = this.#cursor
    return cursor !== undefined && covers(cursor, floor) && covers(snapshot, cursor)
  }

  #reset(floor: Snapshot): void {
    this.#byTag = new Map()
    this.#order = []
    this.#batches = []
    this.#pairs = 0
    this.#number += 1
    this.#forgottenNumber = this.#number
    this.#floor = floor
    this.#onReset()
  }

  #arrive({ xid, relation, rows, tags }: Change): void {
    this.#number += 1
    const number = this.#number
    const known = this.#tables.get(relation)
    const named = new Map<string, RowChange[]>((tags ?? []).map((tag) => [tag, []]))
    if (relation !== '' && (rows === undefined || known === undefined)) {
      named.set(tableTag(relation), [])
    } else if (rows && known) {
      rows.forEach((row) => nameRow(named, relation, known, row))
    }
    for (const [tag, concerned] of named) {
      const arrivals = this.#byTag.get(tag)
      const arrival = { number, xid, rows: concerned }
      if (arrivals) {
        arrivals.push(arrival)
      } else {
        this.#byTag.set(tag, [arrival])
      }
    }
    this.#order.push({ number, tags: [...named.keys()] })
    this.#pairs += named.size
    this.#lastByTable.set(relation, number)
  }

  /** Drops the oldest quarter when there are too many. */
  #forget(): void {
    if (this.#pairs <= pairsMax) {
      return
    }
    const isLast = ({ number }: { number: number }, index: number): boolean =>
      index >= this.#batches.length / 4 || number === this.#number
    const last = this.#batches.find(isLast)
    if (last === undefined) {
      return
    }
    const dropped = this.#order.filter(({ number }) => number <= last.number)
    for (const tag of new Set(dropped.flatMap(({ tags }) => tags))) {
      const kept = (this.#byTag.get(tag) ?? []).filter(({ number }) => number > last.number)
      if (kept.length > 0) {
        this.#byTag.set(tag, kept)
      } else {
        this.#byTag.delete(tag)
      }
    }
    this.#order = this.#order.slice(dropped.length)
    this.#batches = this.#batches.filter(({ number }) => number > last.number)
    this.#pairs -= dropped.reduce((sum, { tags }) => sum + tags.length, 0)
    this.#floor = last.snapshot
    this.#forgottenNumber = last.number
  }
}

/** An operator who names a collection tells no rows of it: that is every list. */
function isConcerned(membership: Membership, { rows }: Arrival): boolean {
  return rows.length === 0 || rows.some((row) => concerns(membership, row))
}

/** All names under which entries could depend on the row, each with the row under it for lists that look at its values. */
function nameRow(
  named: Map<string, RowChange[]>,
  table: string,
  { primaryKey, scopes }: TrackedTable,
  change: RowChange,
): void {
  const versions = [change.old, change.new].filter((row) => row !== undefined)
  const lists = versions.flatMap((row) =>
    scopes.flatMap((column) => {
      const value = row[column]
      return value === undefined || value === null ? [] : [valueTag(table, column, value)]
    }),
  )
  for (const row of versions) {
    named.set(rowTag(table, primaryKey.map((column) => row[column] ?? '').join(':')), [])
  }
  for (const tag of new Set([...lists, anyRowTag(table)])) {
    const rows = named.get(tag)
    if (rows) {
      rows.push(change)
    } else {
      named.set(tag, [change])
    }
  }
}
