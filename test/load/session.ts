// The language of scenarios. It needs neither Node nor k6, so that both programs run the same ones.

/** What a virtual user does next: ask and wait for the answer, or do nothing for a while. */
export type Step = Ask | { readonly pauseMs: number }

export type Ask = {
  /** Path and query below the address of the API. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

export type Answer = {
  /** 0 where none came: refused, reset, or not in time. */
  readonly status: number
  /** Undefined where it is absent.  @param name in lower case */
  readonly header: (name: string) => string | undefined
  readonly body: string
}

/** What one virtual user does for ever. A generator, because Node waits for answers and k6 blocks. */
export type Session = Generator<Step, never, Answer>

/** In [0, 1). */
export type Fraction = () => number

/** Asks, and gives the answer. */
export function* ask(
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Generator<Step, Answer, Answer> {
  return yield { path, headers }
}

/** Waits for a time within the two bounds, each as likely as the others. */
export function* pause(
  fraction: Fraction,
  bounds: readonly [number, number],
): Generator<Step, void, Answer> {
  const [leastMs, mostMs] = bounds
  yield { pauseMs: leastMs + fraction() * (mostMs - leastMs) }
}

/** One of them, the first most often: the n-th is asked for 1/n times as often as the first (Zipf, exponent 1), as pages of
 *  real sites are. */
export function popular<T>(fraction: Fraction, choices: readonly T[]): T | undefined {
  // The integral of 1/x instead of the sum: near enough, and no table of weights.
  return choices[Math.floor((choices.length + 1) ** fraction()) - 1] ?? choices.at(-1)
}
