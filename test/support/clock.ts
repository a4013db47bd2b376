import type { Clock } from '#platform/clock'

/** A clock that stands still until the test moves it. */
export type TestClock = Clock & {
  /** Moves wall and monotonic time, wakes every sleeper on its way in order, and lets what it started run. */
  advance(delayMs: number): Promise<void>
  /** Sets wall time alone, as an operator or an NTP server may; monotonic time never jumps. */
  setWallTime(at: Date): void
  /** How many are asleep: a test can tell that nothing was left behind. */
  sleeping(): number
}

type Sleeper = { readonly wakeAtMs: number; readonly wake: () => void }

export function createTestClock(startAt = new Date('2026-01-15T12:00:00Z')): TestClock {
  let sleepers: readonly Sleeper[] = []
  let monotonicMs = 1_000_000
  let wallOffsetMs = startAt.getTime() - monotonicMs

  function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const sleeper = { wakeAtMs: monotonicMs + delayMs, wake: resolve }
    const leave = () => {
      sleepers = sleepers.filter((one) => one !== sleeper)
      reject(signal?.reason)
    }
    if (signal?.aborted) {
      return Promise.reject(signal.reason)
    }
    sleepers = [...sleepers, sleeper]
    signal?.addEventListener('abort', leave, { once: true })
    return promise.finally(() => signal?.removeEventListener('abort', leave))
  }

  return {
    now: () => new Date(monotonicMs + wallOffsetMs),
    monotonicMs: () => monotonicMs,
    sleep,
    async advance(delayMs) {
      const untilMs = monotonicMs + delayMs
      await settled()
      for (let next = due(sleepers, untilMs); next; next = due(sleepers, untilMs)) {
        const sleeper = next
        sleepers = sleepers.filter((one) => one !== sleeper)
        monotonicMs = Math.max(monotonicMs, sleeper.wakeAtMs)
        sleeper.wake()
        await settled()
      }
      monotonicMs = untilMs
      await settled()
    },
    setWallTime(at) {
      wallOffsetMs = at.getTime() - monotonicMs
    },
    sleeping: () => sleepers.length,
  }
}

/** The next to wake; of two at the same time the one who fell asleep first. */
function due(sleepers: readonly Sleeper[], untilMs: number): Sleeper | undefined {
  const [next] = sleepers.toSorted((left, right) => left.wakeAtMs - right.wakeAtMs)
  return next && next.wakeAtMs <= untilMs ? next : undefined
}

/** Everything that promises alone can get done has been done. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
