import type { Clock } from '#platform/clock'
import { ConfigError } from '#platform/config/config-error'
import { createLifecycle } from '#platform/lifecycle'
import type { Random } from '#platform/random'
import { CommandError } from '../../migrations/command-error.ts'
import { bringUp, type Launch } from './bring-up.ts'
import type { Programs } from './children.ts'
import type { Demo } from './demo.ts'
import { Refusal, type Environment } from './settings.ts'
import type { Output } from './steps.ts'
import type { Summary } from './summary.ts'

export type LaptopOptions = {
  readonly environment: Environment
  /** The checkout. */
  readonly root: string
  readonly output: Output
  /** As in `process.version`. */
  readonly nodeVersion: string
  readonly clock: Clock
  readonly random: Random
  readonly programs: Programs
  readonly demo: () => Promise<Demo>
}

export type Laptop = {
  /** Resolves when everything serves; rejects with why it does not. */
  readonly ready: Promise<Summary>
  /** Resolves with the exit code when nothing that was started runs any more: 0 when asked to stop, else 1. */
  readonly ended: Promise<0 | 1>
  /** Stops everything in order, wherever the start is. Called again, it no longer waits for anybody. */
  stop(): void
  /** An error that nobody caught: the end too, unless we are ending already. */
  fail(error: unknown): void
}

/** Starts everything that `npm start` promises. What was started registers its own end, so that a stop at any moment,
 *  and any failure, takes the same way back: processes, Redis, PostgreSQL, lock. */
export function startLaptop(options: LaptopOptions): Laptop {
  const { output } = options
  const asked = new AbortController()
  const hurried = new AbortController()
  const failed = Promise.withResolvers<never>()
  const ready = Promise.withResolvers<Summary>()
  failed.promise.catch(() => {}) // raced below; may come when nobody races any more
  ready.promise.catch(() => {}) // told on the terminal too
  let askedAtMs = -Infinity
  const lifecycle = createLifecycle({
    error: (_: unknown, text?: string) => output.line(`${text}`),
  })
  const launch: Launch = {
    options,
    signal: asked.signal,
    fail: failed.reject,
    undo(name, stop, halt) {
      lifecycle.defer(name, stop)
      hurried.signal.addEventListener('abort', () => void halt?.().catch(failed.reject))
    },
  }

  async function run(): Promise<0 | 1> {
    const starting = bringUp(launch)
    try {
      ready.resolve(await Promise.race([starting, failed.promise]))
      await Promise.race([failed.promise, untilAborted(asked.signal)])
      return 0
    } catch (error) {
      ready.reject(error)
      if (asked.signal.aborted) {
        return 0
      }
      explain(error, output)
      return 1
    } finally {
      asked.abort() // whatever still starts, on a failure elsewhere
      await starting.catch(() => {}) // told above
      await lifecycle.stop().catch((error: unknown) => explain(error, output))
      output.line('Stopped.')
    }
  }

  return {
    ready: ready.promise,
    ended: run(),
    stop() {
      const nowMs = options.clock.monotonicMs()
      if (nowMs - askedAtMs < echoMsMax) {
        return
      }
      askedAtMs = nowMs
      const next = asked.signal.aborted ? hurried : asked
      output.line(next === asked ? '\nStopping; once more to hurry.' : 'Hurrying.')
      next.abort()
    },
    fail: failed.reject,
  }
}

/** One Ctrl-C arrives twice: from the terminal, and passed on by npm. */
const echoMsMax = 500

async function untilAborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => resolve())
  return signal.aborted ? undefined : promise
}

function isForPeople(error: unknown): error is Error {
  return [Refusal, ConfigError, CommandError].some((kind) => error instanceof kind)
}

/** A refusal is a message for a person; anything else is a fault of ours, and its stack is what we need. */
function explain(error: unknown, output: Output): void {
  if (error instanceof AggregateError) {
    error.errors.forEach((one) => explain(one, output))
  } else if (isForPeople(error)) {
    output.line(`\nTidegate cannot run:\n${error.message}`)
  } else {
    output.line(`\nTidegate cannot run:\n${error instanceof Error ? error.stack : String(error)}`)
  }
  output.line('npm run doctor checks this machine.')
}
