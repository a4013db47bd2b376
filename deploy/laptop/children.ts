import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { send } from './live-process.ts'
import type { ProcessTable } from './process-table.ts'
import { openServerLog, type ServerLog } from './server-log.ts'
import { Refusal, type Environment } from './settings.ts'

export const processNames = ['api', 'worker', 'admin'] as const
export type ProcessName = (typeof processNames)[number]

/** What Node is given to start each process, from the root of the checkout. */
export type Programs = Readonly<Record<ProcessName, readonly string[]>>

const telemetry = ['--import', './shared/platform/telemetry/register.ts']
export const programs: Programs = {
  api: [...telemetry, 'api/main.ts'],
  worker: [...telemetry, 'worker/main.ts'],
  admin: [...telemetry, 'admin/main.ts'],
}

/** The same, each started again by Node whenever a file that it loaded changes. */
export const watchedPrograms: Programs = {
  api: ['--watch', ...programs.api],
  worker: ['--watch', ...programs.worker],
  admin: ['--watch', ...programs.admin],
}

export type ChildrenOptions = {
  readonly programs: Programs
  /** Where they run: the root of the checkout. */
  readonly root: string
  readonly environment: Environment
  readonly logs: string
  readonly table: ProcessTable
}

export type Children = {
  readonly pids: Readonly<Record<ProcessName, number>>
  /** Resolves when all of them serve.  @throws {Refusal} with the last lines of the log of the one that did not */
  readonly ready: Promise<void>
  /** Never resolves; rejects when one ends that was not asked to. */
  readonly failed: Promise<never>
  /** Asks all of them to finish what they do: at most 4 s. */
  readonly stop: () => Promise<void>
  /** Ends them and whatever they started, at once. */
  halt(): void
}

type Child = { readonly name: ProcessName; readonly process: ChildProcess; readonly log: ServerLog }

/**
 * Starts the three processes at the same time. Each is in a group of its own, so that a terminal's Ctrl-C reaches only the
 * launcher; each holds a channel to it, and stops when that breaks, so that `kill -9` of the launcher leaves none behind.
 */
export function startChildren(options: ChildrenOptions): Children {
  const children = processNames.map((name) => startChild(name, options))
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => {}) // the owner races it; nobody else must
  let isStopping = false
  for (const child of children) {
    child.process.once('error', (cause) => failure.reject(ended(child, cause.message)))
    child.process.once('exit', (code, signal) => {
      if (!isStopping) {
        failure.reject(ended(child, signal ?? `exit code ${code}`))
      }
    })
  }
  const halt = (): void => {
    isStopping = true
    children.forEach(killGroup)
  }
  const pid = (name: ProcessName): number =>
    children.find((child) => child.name === name)?.process.pid ?? 0
  return {
    pids: { api: pid('api'), worker: pid('worker'), admin: pid('admin') },
    ready: Promise.race([Promise.all(children.map(untilReady)).then(() => {}), failure.promise]),
    failed: failure.promise,
    halt,
    async stop() {
      isStopping = true
      await Promise.all(children.map(stopChild))
    },
  }
}

function startChild(name: ProcessName, options: ChildrenOptions): Child {
  const log = openServerLog(join(options.logs, `${name}.log`))
  const child = spawn(process.execPath, [...options.programs[name]], {
    cwd: options.root,
    env: { ...options.environment },
    detached: true,
    stdio: ['ignore', log.descriptor, log.descriptor, 'ipc'],
  })
  log.close()
  options.table.add(name, child)
  return { name, process: child, log }
}

/** Waits for the message `{ type: 'ready' }`. */
async function untilReady(child: Child): Promise<void> {
  const late = AbortSignal.timeout(readyMsMax)
  try {
    for (let isReady = false; !isReady;) {
      const [message]: unknown[] = await once(child.process, 'message', { signal: late })
      isReady = isReadyMessage(message)
    }
  } catch (cause) {
    throw late.aborted ? ended(child, `not ready after ${readyMsMax / 1000} s`) : cause
  }
}
const readyMsMax = 60_000

function isReadyMessage(message: unknown): boolean {
  return (
    typeof message === 'object' && message !== null && 'type' in message && message.type === 'ready'
  )
}

async function stopChild(child: Child): Promise<void> {
  const { process: target } = child
  if (hasEnded(target)) {
    return
  }
  const exited = once(target, 'exit')
  target.kill('SIGTERM')
  const patience = new AbortController()
  await Promise.race([exited, delay(stopMsMax, undefined, { signal: patience.signal })])
  patience.abort()
  killGroup(child) // what it started itself and did not wait for, or itself when it is too slow
  await exited
}
const stopMsMax = 4000

function killGroup({ process: target }: Child): void {
  if (target.pid !== undefined) {
    send(-target.pid, 'SIGKILL')
  }
}

function hasEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null
}

function ended({ name, log }: Child, how: string): Refusal {
  return new Refusal(`the ${name} process ended (${how}); ${log.path} ends with:\n${log.tail()}`)
}
