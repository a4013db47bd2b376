/** Lets concurrent callers who ask for the same thing share one run of the work. */
export type SingleFlight<T> = {
  /** Joins the run under this key, or starts one. A failure reaches everyone who joined, and nobody after them. */
  run(key: string, work: () => Promise<T>): Promise<T>
}

/** Within this process only; across processes use `withAdvisoryLock`. Bounded by the number of distinct keys in flight. */
export function createSingleFlight<T>(): SingleFlight<T> {
  const flights = new Map<string, Promise<T>>()
  return {
    run(key, work) {
      const joined = flights.get(key)
      if (joined) {
        return joined
      }
      const flight = work().finally(() => flights.delete(key))
      flights.set(key, flight)
      return flight
    },
  }
}
