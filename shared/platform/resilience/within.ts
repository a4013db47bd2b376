import type { Clock } from '../clock.ts'

/** A call took longer than it was given. */
export class TimedOut extends Error {
  override readonly name = 'TimedOut'
}

/** Makes a call and gives up after `limitMs`: its signal is aborted, and what it does later is ignored.
 *  Without a limit the signal never fires.
 *  @throws {TimedOut} when the limit came first */
export async function within<T>(
  limitMs: number | undefined,
  clock: Pick<Clock, 'sleep'>,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const overdue = new AbortController()
  if (limitMs === undefined) {
    return call(overdue.signal)
  }
  const done = new AbortController()
  const limit = clock.sleep(limitMs, done.signal).then(() => {
    const error = new TimedOut(`no answer within ${limitMs} ms`)
    overdue.abort(error)
    throw error
  })
  try {
    return await Promise.race([call(overdue.signal), limit])
  } finally {
    limit.catch(() => undefined)
    done.abort()
  }
}
