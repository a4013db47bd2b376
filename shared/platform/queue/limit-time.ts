import { Problem } from '../problem.ts'
import { queueProblems } from './problems.ts'

/** The reason with which a run is cancelled whose lock could not be renewed: another worker has the job by now. */
export const lockLost = 'the lock on the job was lost'

/** A signal that ends with the job's time or with `cancelled`, and a promise that rejects with it: a job that does not
 *  listen to its signal must not hold its place in the queue for ever. */
export function limitTime(timeoutMs: number, cancelled: AbortSignal) {
  const limit = new AbortController()
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => {})
  const abort = (reason: unknown): void => {
    limit.abort(reason)
    reject(reason)
  }
  const onCancel = (): void => {
    abort(
      cancelled.reason === lockLost
        ? new Problem(queueProblems.superseded, `${lockLost}.`)
        : new Stopped(),
    )
  }
  const timer = setTimeout(() => {
    abort(new Problem(queueProblems.timedOut, `It may take ${timeoutMs} ms.`))
  }, timeoutMs)
  cancelled.addEventListener('abort', onCancel, { once: true })
  if (cancelled.aborted) {
    onCancel()
  }
  return {
    signal: limit.signal,
    reached: promise,
    clear() {
      clearTimeout(timer)
      cancelled.removeEventListener('abort', onCancel)
    },
  }
}

/** The process stops before the job is done; nobody's fault, so it does not count as an attempt. */
class Stopped extends Error {
  override readonly name = 'AbortError'

  constructor() {
    super('stopped before it was done; it runs again')
  }
}
