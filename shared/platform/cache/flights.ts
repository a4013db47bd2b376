/** One run of the work under a key that several readers may share. */
export type Flight<T> = {
  readonly result: Promise<T>
  /** The place of its statement among all arrivals of readers and sendings of statements; undefined before it is sent. */
  sentTick: number | undefined
}

/**
 * At most one run of the work under each key. A reader may be given the result of a run that began before it came only if
 * the statement was sent after it came, or the result is known to be true now: otherwise it could miss a write that was
 * acknowledged before it asked.
 */
export class Flights<T> {
  readonly #flights = new Map<string, Flight<T>>()
  #tick = 0

  /** @param work is handed the flight, and says with `sent` when its statement goes out
   *  @param isTrueNow asked of a result that was under way before the reader came */
  async join(
    key: string,
    work: (sent: () => void) => Promise<T>,
    isTrueNow: (result: T) => boolean,
  ): Promise<{ readonly result: T; readonly isShared: boolean }> {
    this.#tick += 1
    const arrivedTick = this.#tick
    for (;;) {
      const joined = this.#flights.get(key)
      if (!joined) {
        return { result: await this.#start(key, work).result, isShared: false }
      }
      const result = await joined.result
      const isLater = joined.sentTick !== undefined && joined.sentTick > arrivedTick
      if (isLater || isTrueNow(result)) {
        return { result, isShared: true }
      }
    }
  }

  isUnderWay(key: string): boolean {
    return this.#flights.has(key)
  }

  #start(key: string, work: (sent: () => void) => Promise<T>): Flight<T> {
    const settled = Promise.withResolvers<T>()
    const flight: Flight<T> = { result: settled.promise, sentTick: undefined }
    this.#flights.set(key, flight)
    const sent = (): void => {
      this.#tick += 1
      flight.sentTick = this.#tick
    }
    work(sent)
      .finally(() => this.#flights.delete(key))
      .then(settled.resolve, settled.reject)
    return flight
  }
}
