/** How much is done at a time, and in all. */
export type Batches = {
  /** Rows of one batch: few enough that nobody waits long for their locks. */
  readonly size: number
  /** Batches of one run. What is left then is for the next one. */
  readonly countMax: number
  /** Ends the work between two batches; those that are done stay done. */
  readonly signal: AbortSignal
}

/** Does in many short transactions what would be one long one: repeats `work`, which takes at most `size` rows and
 *  says how many it took, until it takes fewer or the run has had its share.
 *  @returns the rows of all batches */
export async function inBatches(
  work: (size: number) => Promise<number>,
  { size, countMax, signal }: Batches,
): Promise<number> {
  let rows = 0
  for (let count = 1; count <= countMax; count += 1) {
    signal.throwIfAborted()
    const taken = await work(size)
    rows += taken
    if (taken < size) {
      break
    }
  }
  return rows
}
