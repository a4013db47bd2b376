import { createHash } from 'node:crypto'

/** Draws from a list so that the n-th is drawn 1/n times as often as the first, as readers do; the same in every run. */
export function createSkewed<T>(things: readonly T[], seed: string): () => T {
  const sums: number[] = []
  let total = 0
  for (let rank = 1; rank <= things.length; rank += 1) {
    total += 1 / rank
    sums.push(total)
  }
  let turn = 0
  return () => {
    const drawn = createHash('sha256')
      .update(`${seed} ${(turn += 1)}`)
      .digest()
      .readUInt32BE()
    const at = (drawn / 2 ** 32) * total
    const thing = things[sums.findIndex((sum) => sum > at)] ?? things[0]
    if (thing === undefined) {
      throw new Error('there is nothing to draw from')
    }
    return thing
  }
}
