import type { FxBatchStatus } from './fx-batch.ts'
import type { FxProvider, PublishingWindow } from './provider.ts'

/** How often which rates are looked after: volatile tokens, everything else, and the reference rates of central banks in
 *  the hours in which they come out. */
export const cadences = ['volatile', 'stable', 'reference'] as const
export type Cadence = (typeof cadences)[number]

/** What is known of a provider before it is asked. */
export type Asked = {
  /** Its last batch of newest rates. */
  readonly last: { readonly status: FxBatchStatus; readonly finishedAt: Date } | undefined
  /** Of its newest usable rate. */
  readonly newestAsOf: Date | undefined
}

/** After a call that failed; a call that was answered is followed by the provider's own interval. */
const afterFailureMs = 5 * 60 * 1000
/** A day that did not come out in its hours may be a holiday of the bank: then looking four times a day is enough. */
const afterHoursMs = 6 * 3600 * 1000
/** Clocks of processes differ a little; an instant further ahead than this was written before a clock was set back. */
export const clockSkewMsMax = 60_000

/** Whether a provider may have something that is not stored. */
export function isDue(
  { rhythm }: Pick<FxProvider, 'rhythm'>,
  { last, newestAsOf }: Asked,
  at: { readonly cadence: Cadence; readonly now: Date },
): boolean {
  const { everyMs, window } = rhythm
  const edge = at.cadence === 'reference' ? 'opensHour' : 'closesHour'
  if (window && newestAsOf && newestAsOf >= lastDay(window, edge, at.now)) {
    return false
  }
  const sinceMs = last ? at.now.getTime() - last.finishedAt.getTime() : Infinity
  if (last?.status === 'stored') {
    return sinceMs >= (window && !isOpen(window, at.now) ? afterHoursMs : everyMs)
  }
  return sinceMs >= Math.min(everyMs, afterFailureMs)
}

/** When a provider is asked next unless somebody needs it sooner: the earliest instant at which it is due. */
export function nextDueAt(
  provider: Pick<FxProvider, 'rhythm'>,
  asked: Asked,
  now: Date,
): Date | undefined {
  const stepMs = 60_000
  const firstMs = Math.ceil(now.getTime() / stepMs) * stepMs
  // Looked for at the beginning of each minute; four days span a weekend and a holiday.
  for (let aheadMs = -stepMs; aheadMs <= 4 * dayMs; aheadMs += stepMs) {
    const then = aheadMs < 0 ? now : new Date(firstMs + aheadMs)
    const window = provider.rhythm.window
    const cadence = window && isOpen(window, then) ? 'reference' : 'stable'
    if (isDue(provider, asked, { cadence, now: then })) {
      return then
    }
  }
  return undefined
}

const dayMs = 24 * 3600 * 1000

/** The last working day whose hours have begun, or ended, at its midnight UTC, as publishers of days date it. */
function lastDay(window: PublishingWindow, edge: keyof PublishingWindow, now: Date): Date {
  const reached = new Date(now.getTime() - window[edge] * 3600 * 1000)
  const midnightMs = Math.floor(reached.getTime() / dayMs) * dayMs
  const daysBack = [2, 0, 0, 0, 0, 0, 1][reached.getUTCDay()] ?? 0
  return new Date(midnightMs - daysBack * dayMs)
}

function isOpen({ opensHour, closesHour }: PublishingWindow, now: Date): boolean {
  const isWorkingDay = now.getUTCDay() % 6 !== 0
  const hour = now.getUTCHours()
  return isWorkingDay && hour >= opensHour && hour < closesHour
}
