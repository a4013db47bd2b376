/**
 * What a statement of PostgreSQL saw, as `pg_current_snapshot()` tells it: every transaction below `xmin` had ended, none
 * from `xmax` on had, and of those between the ones in `xip` were still running. Transaction ids are xid8: 64 bits that never
 * wrap round; a JavaScript number holds the first 2^53 of them, some 280 years at a million a second.
 */
export type Snapshot = {
  readonly xmin: number
  readonly xmax: number
  /** Ascending. */
  readonly xip: readonly number[]
}

/** Reads PostgreSQL's text form, `10:20:10,14,15`.  @throws {Error} for anything else */
export function parseSnapshot(text: string): Snapshot {
  const [xmin, xmax, xip, ...rest] = text.split(':')
  const running = xip === undefined || xip === '' ? [] : xip.split(',').map(parseXid)
  const snapshot = { xmin: parseXid(xmin), xmax: parseXid(xmax), xip: running }
  const isOrdered = running.every((xid, index) => index === 0 || xid > (running[index - 1] ?? xid))
  const isInside = running.every((xid) => xid >= snapshot.xmin && xid < snapshot.xmax)
  if (
    xip === undefined ||
    rest.length > 0 ||
    snapshot.xmin > snapshot.xmax ||
    !isOrdered ||
    !isInside
  ) {
    throw new Error(`not a snapshot: ${text.slice(0, 100)}`)
  }
  return snapshot
}

/** A transaction id.  @throws {Error} for what is none */
export function parseXid(text: string | undefined): number {
  const xid = text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(xid)) {
    throw new Error(`not a transaction id: ${String(text).slice(0, 40)}`)
  }
  return xid
}

export function formatSnapshot({ xmin, xmax, xip }: Snapshot): string {
  return `${xmin}:${xmax}:${xip.join(',')}`
}

/** Whether what that transaction committed was seen. Only of committed transactions does it say anything. */
export function isVisible(xid: number, { xmin, xmax, xip }: Snapshot): boolean {
  return xid < xmin || (xid < xmax && !xip.includes(xid))
}

/** Whether everything that `earlier` saw is seen by `later` as well. Exact for what PostgreSQL gives; of others never true
 *  without being so. */
export function covers(later: Snapshot, earlier: Snapshot): boolean {
  return (
    later.xmax >= earlier.xmax &&
    later.xip.every((xid) => xid >= earlier.xmax || !isVisible(xid, earlier))
  )
}

/** Snapshots of one primary follow one another: a greater `xmax`, or the same with fewer running, is later. Negative when
 *  `one` is the earlier. */
export function compareSnapshots(one: Snapshot, other: Snapshot): number {
  return one.xmax - other.xmax || other.xip.length - one.xip.length
}
