/** Waits for work that cannot be interrupted itself no longer than until the signal: stopping the server ends it. */
export async function abandonable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const abandon = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', abandon)
  work.catch(() => {}) // after being abandoned nobody listens
  try {
    signal.throwIfAborted()
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abandon)
  }
}
