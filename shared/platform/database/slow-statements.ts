import { z } from 'zod'
import { fingerprintOf } from './fingerprint.ts'

/** From when on a statement is slow, in milliseconds. */
export type SlowLimits = { readonly slowLogMs: number; readonly slowAlertMs: number }

/** How a statement was slow, since the process began. */
export const slowStatement = z.object({
  fingerprint: z.string(),
  /** Without literals; parameters stand as `$1`. */
  statement: z.string(),
  /** Where it was sent last: the template of a route, empty where there was none. */
  route: z.string(),
  /** How often it took longer than the limit of the log. */
  count: z.number(),
  /** How often it took longer than that of the alert. */
  alertCount: z.number(),
  totalMs: z.number(),
  maxMs: z.number(),
  /** RFC 3339, UTC. */
  lastAt: z.iso.datetime(),
})
export type SlowStatement = z.infer<typeof slowStatement>

/** One statement that took long. */
export type Slow = {
  readonly text: string
  readonly durationMs: number
  readonly isAlert: boolean
  readonly route: string
  readonly at: Date
}

/** Different ones that are remembered; the one not seen for longest is forgotten. */
const keptMax = 200

/** Statements that were slow, by what they are. */
export class SlowStatements {
  readonly #kept = new Map<string, { readonly slow: SlowStatement; readonly text: string }>()
  #count = 0
  #alertCount = 0

  /** @returns what the statement is, for the log */
  add({
    text,
    durationMs,
    isAlert,
    route,
    at,
  }: Slow): Pick<SlowStatement, 'fingerprint' | 'statement'> {
    const { fingerprint, statement } = fingerprintOf(text)
    const known = this.#kept.get(fingerprint)?.slow
    const slow = {
      fingerprint,
      statement,
      route,
      count: (known?.count ?? 0) + 1,
      alertCount: (known?.alertCount ?? 0) + (isAlert ? 1 : 0),
      totalMs: (known?.totalMs ?? 0) + durationMs,
      maxMs: Math.max(known?.maxMs ?? 0, durationMs),
      lastAt: at.toISOString(),
    }
    this.#count += 1
    this.#alertCount += isAlert ? 1 : 0
    this.#kept.delete(fingerprint)
    this.#kept.set(fingerprint, { slow, text })
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > keptMax && oldest !== undefined) {
      this.#kept.delete(oldest)
    }
    return { fingerprint, statement }
  }

  /** All that are remembered, those first that took most time in all. */
  list(): readonly SlowStatement[] {
    return [...this.#kept.values()]
      .map(({ slow }) => slow)
      .toSorted((one, other) => other.totalMs - one.totalMs)
  }

  /** As it was sent, to be explained here; it may hold what somebody wrote into it, and so goes nowhere. */
  textOf(fingerprint: string): string | undefined {
    return this.#kept.get(fingerprint)?.text
  }

  /** How many statements took longer than each limit, also forgotten ones. */
  counts(): { readonly log: number; readonly alert: number } {
    return { log: this.#count, alert: this.#alertCount }
  }
}
