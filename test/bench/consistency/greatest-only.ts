import { ChangeLog, type Tracked } from '../../../shared/platform/cache/change-log.ts'
import type { Change, RowChange } from '../../../shared/platform/cache/change.ts'
import { rowTag, tableTag, valueTag } from '../../../shared/platform/cache/dependencies.ts'
import { concerns } from '../../../shared/platform/cache/membership.ts'
import { isVisible } from '../../../shared/platform/cache/snapshot.ts'
import { replace } from './replace.ts'

type Greatest = { readonly xid: number; readonly rows: readonly RowChange[] }

/** The obvious way to keep a log of changes, which is wrong: of each tag the greatest transaction id alone. 100 opens, 105
 *  commits, a fill sees 105, 100 commits, and nobody will ever look at 100 again. */
export function forgetAllButGreatest(): void {
  let epoch: string | undefined
  const byTag = new Map<string, Greatest>()

  replace(
    ChangeLog.prototype,
    'apply',
    (original) =>
      function apply(this: ChangeLog, found) {
        if (epoch !== found.epoch) {
          byTag.clear()
        }
        epoch = found.epoch
        found.changes.forEach((change) => keepGreatest(byTag, change))
        original.call(this, found)
      },
  )
  replace(
    ChangeLog.prototype,
    'isCurrent',
    (original) =>
      function isCurrent(this: ChangeLog, entry) {
        const isSame = entry.stamp.epoch === this.epoch
        return original.call(this, entry) || (isSame && !isTouched(byTag, entry))
      },
  )
}

function keepGreatest(byTag: Map<string, Greatest>, change: Change): void {
  const { xid } = change
  for (const [tag, rows] of namesOf(change)) {
    const known = byTag.get(tag)
    if (known === undefined || xid >= known.xid) {
      byTag.set(tag, { xid, rows: known?.xid === xid ? [...known.rows, ...rows] : rows })
    }
  }
}

function namesOf({ relation, rows }: Change): Map<string, RowChange[]> {
  const named = new Map<string, RowChange[]>()
  if (rows === undefined) {
    return named.set(tableTag(relation), [])
  }
  for (const change of rows) {
    for (const row of [change.old, change.new].filter((one) => one !== undefined)) {
      named.set(rowTag(relation, row['id'] ?? ''), [])
      for (const column of ['organisation_id', 'payment_link_id']) {
        const tag = valueTag(relation, column, row[column] ?? '')
        named.set(tag, [...(named.get(tag) ?? []), change])
      }
    }
  }
  return named
}

function isTouched(
  byTag: ReadonlyMap<string, Greatest>,
  { stamp: { snapshot }, dependencies: { tags, memberships } }: Tracked,
): boolean {
  const unseen = (tag: string): Greatest | undefined => {
    const greatest = byTag.get(tag)
    return greatest && !isVisible(greatest.xid, snapshot) ? greatest : undefined
  }
  return (
    tags.some((tag) => unseen(tag) !== undefined) ||
    memberships.some((membership) =>
      unseen(membership.collection)?.rows.some((row) => concerns(membership, row)),
    )
  )
}
