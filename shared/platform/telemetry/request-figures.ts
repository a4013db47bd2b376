/** Upper ends of the classes in seconds: those of the semantic conventions for `http.server.request.duration`, and three
 *  below them, since an answer from memory takes less than the first. */
export const durationBoundsSeconds = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
] as const

/** The durations of the requests of one method, route and status, as a histogram. */
export type DurationSeries = {
  readonly method: string
  /** A template, never a path. */
  readonly route: string
  readonly status: number
  /** How many ended in each class; the last one has no upper end. */
  readonly counts: Float64Array
  sumSeconds: number
}

/** Durations of all requests by method, route and status. Counting costs an array access; the attributes of an instrument of
 *  OpenTelemetry would be put together and hashed for each request. */
export class RequestFigures {
  readonly #series = new Map<string, DurationSeries>()
  #edgeCount = 0
  #activeCount = 0

  /** The series, made on first use. The route comes from a closed set. */
  series(method: string, route: string, status: number): DurationSeries {
    const name = `${method} ${status} ${route}`
    const known = this.#series.get(name)
    if (known) {
      return known
    }
    const counts = new Float64Array(durationBoundsSeconds.length + 1)
    const made: DurationSeries = { method, route, status, counts, sumSeconds: 0 }
    this.#series.set(name, made)
    return made
  }

  /** Counts a request that was answered before routing. */
  countEdge(): void {
    this.#edgeCount += 1
  }

  /** A request begins that is not answered at once; whoever calls it says `end` when it is answered. */
  begin(): void {
    this.#activeCount += 1
  }

  end(): void {
    this.#activeCount -= 1
  }

  /** How many requests are under way. */
  get activeCount(): number {
    return this.#activeCount
  }

  /** How many requests were answered before routing. */
  get edgeCount(): number {
    return this.#edgeCount
  }

  all(): Iterable<DurationSeries> {
    return this.#series.values()
  }
}

/** Counts one request. */
export function recordDuration(series: DurationSeries, seconds: number): void {
  let index = 0
  while (index < durationBoundsSeconds.length && seconds > (durationBoundsSeconds[index] ?? 0)) {
    index += 1
  }
  series.counts[index] = (series.counts[index] ?? 0) + 1
  series.sumSeconds += seconds
}

/** What all series together say. Quantiles are the upper end of the class that holds them; undefined without requests. */
export function summarise(all: Iterable<DurationSeries>): {
  readonly count: number
  readonly failedCount: number
  readonly quantileSeconds: (share: number) => number | undefined
} {
  const sums = new Float64Array(durationBoundsSeconds.length + 1)
  let failedCount = 0
  for (const { counts, status } of all) {
    counts.forEach((count, index) => (sums[index] = (sums[index] ?? 0) + count))
    failedCount += status >= 500 ? sum(counts) : 0
  }
  const count = sum(sums)
  return {
    count,
    failedCount,
    quantileSeconds(share) {
      let passed = 0
      const index = sums.findIndex((one) => (passed += one) >= share * count)
      return count === 0 ? undefined : (durationBoundsSeconds[index] ?? Infinity)
    },
  }
}

function sum(counts: Float64Array): number {
  return counts.reduce((total, count) => total + count, 0)
}
