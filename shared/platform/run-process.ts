import cluster from 'node:cluster'
import { loadEnvFile } from './config/env-file.ts'
import { openErrorTracker, type ErrorTracker, type ErrorTracking } from './errors/error-tracker.ts'
import type { ProcessUsage } from './health/watch-runtime.ts'
import type { Lifecycle } from './lifecycle.ts'
import { createLifecycle } from './lifecycle.ts'
import { createLog, type Log } from './log.ts'
import { supervise, type Sharing } from './supervise.ts'
import { flushTelemetry } from './telemetry/flush.ts'

/** What a process is started with; everything that it opens is deferred on the lifecycle. */
export type Started = {
  readonly log: Log
  readonly lifecycle: Lifecycle
  /** Left out where it is started inside another one. */
  readonly usage?: ProcessUsage
}

export type Program<Config> = {
  readonly name: string
  /** @throws with a message for the operator when the environment does not do */
  readonly readConfig: (environment: NodeJS.ProcessEnv) => Config
  readonly logLevel: (config: Config) => string
  /** Where errors are filed besides the log. */
  readonly errorTracking: (config: Config) => ErrorTracking
  /** How many processes share what it listens on; one when left out. */
  readonly sharing?: (config: Config) => Sharing
  /** Resolves when the process serves. */
  readonly start: (config: Config, started: Started) => Promise<unknown>
}

/** The longest that a process takes to stop, telemetry included; below the 30 s that orchestrators grant. */
const stopTimeoutMs = 25_000
/** One undo may take this long: the pool waits for running statements, the server for running requests. */
const stepTimeoutMs = 10_000

/** Runs a process from start to end: reads its configuration, starts it, tells the launcher that it serves, and stops it
 *  in order on SIGTERM, on SIGINT, when the launcher is gone, and after an error that nobody caught (exit code 1).
 *  @param host the real `process`, which only a main file may name */
export async function runProcess<Config>(
  host: NodeJS.Process,
  program: Program<Config>,
): Promise<void> {
  const config = readOrExit(host, program)
  let tracker: ErrorTracker | undefined
  const log = createLog(program.name, program.logLevel(config), 1, (logged) => {
    tracker?.capture(logged)
  })
  const sharing = program.sharing?.(config)
  if (sharing && sharing.processesCount > 1 && cluster.isPrimary) {
    await supervise(host, { ...sharing, name: program.name, log })
    return
  }
  tracker = await openErrorTracker(program.errorTracking(config), log)
  const lifecycle = createLifecycle(log, stepTimeoutMs)
  let isStopping = false
  let exitCode = 0

  async function stop(code: number): Promise<void> {
    exitCode = Math.max(exitCode, code)
    if (isStopping) {
      return
    }
    isStopping = true
    setTimeout(() => host.exit(1), stopTimeoutMs).unref()
    const failure = await lifecycle.stop().catch((error: unknown) => error)
    if (failure !== undefined) {
      log.error({ err: failure }, 'shutdown was not clean')
    }
    await Promise.all([flushTelemetry(), tracker?.close()])
    log.info({ exitCode }, 'process stopped')
    host.exit(failure === undefined ? exitCode : 1)
  }

  function failToStart(error: unknown): void {
    log.fatal({ err: error }, 'process did not start')
    host.stderr.write(`${program.name} did not start: ${explain(error)}\n`)
  }

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'disconnect'] as const) {
    host.on(signal, () => void stop(0))
  }
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    host.on(event, (error: unknown) => {
      log.fatal({ err: error }, 'nobody caught this error')
      void stop(1)
    })
  }
  try {
    await program.start(config, { log, lifecycle, usage: () => usageOf(host) })
    if (!isStopping) {
      host.send?.({ type: 'ready' })
      log.info('process ready')
    }
  } catch (error) {
    // Who stops while it starts pulls the ground from under it; that is no fault to report.
    if (!isStopping) {
      failToStart(error)
      await stop(1)
    }
  }
}

function usageOf(host: NodeJS.Process): ReturnType<ProcessUsage> {
  const { user, system } = host.cpuUsage()
  return { residentBytes: host.memoryUsage.rss(), cpuSeconds: (user + system) / 1e6 }
}

/** The message and those of its causes, for somebody who reads no JSON. */
function explain(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(explain).join('; ')
  }
  if (!(error instanceof Error)) {
    return String(error)
  }
  return error.cause === undefined ? error.message : `${error.message} (${explain(error.cause)})`
}

function readOrExit<Config>(host: NodeJS.Process, { name, readConfig }: Program<Config>): Config {
  try {
    loadEnvFile(host)
    return readConfig(host.env)
  } catch (error) {
    createLog(name, 'fatal', 2).fatal({ err: error }, 'configuration refused')
    host.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return host.exit(1)
  }
}
