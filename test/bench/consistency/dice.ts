/** Chance that is the same in every run with the same seed (mulberry32). */
export type Dice = {
  /** In [0, 1). */
  fraction(): number
  /** A whole number in [0, count). */
  below(count: number): number
  /** One of the choices. */
  one<T>(choices: readonly [T, ...T[]]): T
}

export function createDice(seed: number): Dice {
  let state = seed >>> 0
  const fraction = (): number => {
    state = (state + 0x6d_2b_79_f5) >>> 0
    return mixed(state) / 2 ** 32
  }
  const below = (count: number): number => Math.floor(fraction() * count)
  return { fraction, below, one: (choices) => choices[below(choices.length)] ?? choices[0] }
}

/** Spreads a number over 32 bits. */
export function mixed(number: number): number {
  let bits = Math.imul(number ^ (number >>> 15), number | 1)
  bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
  return (bits ^ (bits >>> 14)) >>> 0
}
