import type { Clock } from './clock.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Log } from './log.ts'

/** Something as it was when it was looked at last. */
export type Sample<T> = {
  readonly value: T
  /** On the monotonic clock. */
  readonly takenAtMs: number
}

type Needs = {
  readonly clock: Clock
  readonly log: Pick<Log, 'warn'>
  readonly lifecycle: Lifecycle
}

const everyMs = 15_000

/** Looks again and again beside everything else, so that whoever wants to know waits for neither Redis nor the database. Ends
 *  with the lifecycle, whatever the look waits for.
 *  @param firstAfterMs for what a process that has just begun says wrong
 *  @returns the last sample; undefined before the first. While looks fail it grows old */
export function startSampling<T>(
  name: string,
  look: () => Promise<T>,
  { clock, log, lifecycle }: Needs,
  firstAfterMs = 0,
): () => Sample<T> | undefined {
  let sample: Sample<T> | undefined
  const stopped = new AbortController()
  const gone = Promise.withResolvers<never>()
  gone.promise.catch(() => undefined)
  lifecycle.defer(`samples of ${name}`, async () => {
    stopped.abort()
    gone.reject(new Error('the process stops'))
  })
  const follow = async (): Promise<void> => {
    if (firstAfterMs > 0) {
      await clock.sleep(firstAfterMs, stopped.signal).catch(() => undefined)
    }
    while (!stopped.signal.aborted) {
      try {
        const value = await Promise.race([look(), gone.promise])
        sample = { value, takenAtMs: clock.monotonicMs() }
      } catch (error) {
        if (!stopped.signal.aborted) {
          log.warn({ err: error, sampled: name }, 'not looked at; what was seen last is used')
        }
      }
      await clock.sleep(everyMs, stopped.signal).catch(() => undefined)
    }
  }
  lifecycle.background(`samples of ${name}`, follow())
  return () => sample
}
