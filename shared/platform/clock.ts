import { setTimeout as delay } from 'node:timers/promises'

/** Wall time, monotonic time and timers. Everything but this file takes a `Clock`; a test lints for it. */
export type Clock = {
  /** The current instant, for what is stored or shown. */
  now(): Date
  /** Milliseconds on a clock that never jumps, for durations and deadlines. Its zero has no meaning. */
  monotonicMs(): number
  /** Resolves after `delayMs`, or rejects with the signal's reason. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  sleep: (delayMs, signal) => delay(delayMs, undefined, signal ? { signal } : {}),
}
