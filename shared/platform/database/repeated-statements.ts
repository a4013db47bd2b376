import { z } from 'zod'
import { fingerprintOf } from './fingerprint.ts'

/** A statement that one request sends for each of many things, where one statement would do for all: the N+1 pattern. */
export const repeatedStatement = z.object({
  /** The template of the route. */
  route: z.string(),
  fingerprint: z.string(),
  /** Without literals; parameters stand as `$1`. */
  statement: z.string(),
  /** Requests that did so. */
  requests: z.number(),
  /** The most often that one of them sent it. */
  repeatsMax: z.number(),
  /** RFC 3339, UTC. */
  lastAt: z.iso.datetime(),
})
export type RepeatedStatement = z.infer<typeof repeatedStatement>

/** A request that sends the same text so often repeats itself. Four of a kind come about without a loop: the four frozen
 *  rates of a link. */
const repeatsMin = 5
/** Pairs of route and statement that are remembered; there is no room for more, for the first say it all. */
const keptMax = 200

/** The N+1 patterns that were seen. */
export class RepeatedStatements {
  readonly #kept = new Map<string, RepeatedStatement>()
  #requests = 0

  /** Looks through what one request has sent.
   *  @param sent how often each text was sent
   *  @returns the patterns that were not known before */
  judge(route: string, sent: ReadonlyMap<string, number>, at: Date): readonly RepeatedStatement[] {
    const found = [...sent].filter(([, count]) => count >= repeatsMin)
    this.#requests += found.length > 0 ? 1 : 0
    return found.flatMap(([text, count]) => this.#note(route, { text, count }, at))
  }

  /** All that are remembered, those first that repeat themselves most often. */
  list(): readonly RepeatedStatement[] {
    return [...this.#kept.values()].toSorted((one, other) => other.repeatsMax - one.repeatsMax)
  }

  /** How many requests repeated themselves. */
  get requests(): number {
    return this.#requests
  }

  #note(
    route: string,
    { text, count }: { readonly text: string; readonly count: number },
    at: Date,
  ): readonly RepeatedStatement[] {
    const print = fingerprintOf(text)
    const key = `${print.fingerprint} ${route}`
    const known = this.#kept.get(key)
    if (!known && this.#kept.size >= keptMax) {
      return []
    }
    const repeated = {
      route,
      ...print,
      requests: (known?.requests ?? 0) + 1,
      repeatsMax: Math.max(known?.repeatsMax ?? 0, count),
      lastAt: at.toISOString(),
    }
    this.#kept.set(key, repeated)
    return known ? [] : [repeated]
  }
}
