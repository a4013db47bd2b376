import type { Log } from './log.ts'

export type Stop = () => Promise<void>

/**
 * What has been opened, so that it can be closed in the opposite order.
 * Every `open…` and `start…` registers its own undo; nobody writes a shutdown list by hand.
 */
export type Lifecycle = {
  /** Call on the line after the thing is open, with its undo. */
  defer(name: string, stop: Stop): void
  /** Gives a promise that nobody awaits an owner: its failure is logged, and `stop` waits for it. */
  background(name: string, work: Promise<unknown>): void
  /** Last opened, first closed. Safe to call twice.  @throws {AggregateError} naming every step that failed */
  stop(): Promise<void>
}

/** @param stepTimeoutMs the longest that one undo may take before the next one starts */
export function createLifecycle(log: Pick<Log, 'error'>, stepTimeoutMs = 10_000): Lifecycle {
  const steps: { readonly name: string; readonly stop: Stop }[] = []
  const running = new Set<Promise<void>>()
  let stopping: Promise<void> | undefined

  async function unwind(): Promise<void> {
    const failures: unknown[] = []
    const step = (name: string, stop: Stop): Promise<void> =>
      withTimeout(name, stop(), stepTimeoutMs).catch((error: unknown) => void failures.push(error))
    for (const { name, stop } of steps.toReversed()) {
      await step(name, stop)
    }
    await step('background work', () => Promise.all(running).then(() => undefined))
    if (failures.length > 0) {
      throw new AggregateError(failures, 'shutdown was not clean')
    }
  }

  return {
    defer: (name, stop) => void steps.push({ name, stop }),
    background(name, work) {
      const owned: Promise<void> = work
        .then(() => undefined)
        .catch((error: unknown) => log.error({ err: error, work: name }, 'background work failed'))
        .finally(() => running.delete(owned))
      running.add(owned)
    },
    stop: () => (stopping ??= unwind()),
  }
}

async function withTimeout(name: string, work: Promise<void>, timeoutMs: number): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    late.reject(new Error(`${name} did not stop within ${timeoutMs} ms`))
  }, timeoutMs)
  try {
    await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
