import type { Clock } from '../clock.ts'
import type { Cache } from './cache.ts'
import type { Held } from './held.ts'

/** Answers that are looked at before others have their turn: a million of them must not hold up those who read. */
const lookedAtOnce = 1_000

/** Looks at every answer that this process keeps, in no order. */
export async function forEachKept(
  cache: Pick<Cache, 'kept'>,
  clock: Pick<Clock, 'sleep'>,
  look: (held: Held) => void,
): Promise<void> {
  let looked = 0
  for (const held of cache.kept()) {
    look(held)
    looked += 1
    if (looked % lookedAtOnce === 0) {
      await clock.sleep(0)
    }
  }
}
