import type { Clock } from '../clock.ts'
import type { ChangeLog } from './change-log.ts'
import type { Held } from './held.ts'

/** True by all that is known here: nothing that it depends on has changed, and the clock has not overtaken it. */
export function isTrue(
  held: Held,
  { changes, clock }: { readonly changes: ChangeLog; readonly clock: Pick<Clock, 'now'> },
): boolean {
  const { validUntilMs } = held
  const isOverdue = validUntilMs !== undefined && clock.now().getTime() >= validUntilMs
  return !isOverdue && changes.isCurrent(held)
}
