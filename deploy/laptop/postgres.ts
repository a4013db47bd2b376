import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { terminate, type Escalation } from './live-process.ts'
import { packagedBinaries, usableBinaries } from './postgres-binaries.ts'
import { openCluster, serverEnvironment, stopOrphans } from './postgres-cluster.ts'
import { openServerLog } from './server-log.ts'
import { serverIdentity, type Identity } from './server-user.ts'

export type PostgresOptions = {
  /** Where the cluster lives; made on first use. */
  readonly directory: string
  readonly port: number
  readonly password: string
  /** The password is not the one that an existing cluster knows: its file was lost. */
  readonly isPasswordNew?: boolean
  /** Server settings, `name=value`; for tests those that trade durability for speed. */
  readonly settings?: readonly string[]
  /** Where the server's own messages go; `<directory>.log` when left out. */
  readonly logFile?: string
  /** For root only: where things go that the server's user must reach although `directory` or the checkout is closed. */
  readonly home?: string
  /** Interrupts the start wherever it is; nothing is left running then. */
  readonly signal?: AbortSignal
}

export type Postgres = {
  readonly url: string
  readonly pid: number
  /** Whether this start made the cluster. */
  readonly isNew: boolean
  /** Resolves when the server has ended, asked or not. */
  readonly ended: Promise<void>
  /** Disconnects everyone, writes a checkpoint and ends: at most 4 s. */
  readonly stop: () => Promise<void>
  /** Ends at once; the next start recovers from the write-ahead log. */
  readonly halt: () => Promise<void>
  /** What it wrote to its log last. */
  lastMessages(): string
}

/** Starts the embedded PostgreSQL on 127.0.0.1 through its own binaries, as user `postgres` when we are root.
 *  It is our child, but in a session of its own, so that a terminal's Ctrl-C does not reach it. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const { directory, port, password, signal, settings = [] } = options
  const identity = await serverIdentity(directory)
  const binaries = await usableBinaries(identity, await packagedBinaries(), options.home)
  signal?.throwIfAborted()
  const isDurable = !settings.includes('fsync=off')
  const cluster = await openCluster({ ...options, identity, binaries, isDurable })
  const program: Program = { binaries, identity, directory: cluster.directory }
  if (!cluster.isNew && options.isPasswordNew === true) {
    await setPassword(program, password)
  }
  signal?.throwIfAborted()
  const log = openServerLog(options.logFile ?? `${directory}.log`)
  const child = launch(program, [`port=${port}`, ...settings], log.descriptor)
  log.close()
  const ended = new Promise<void>((resolve) => void child.once('close', () => resolve()))
  try {
    const pid = await untilReady(cluster.directory, child, signal)
    const stop = (escalation: Escalation): Promise<void> => terminate([pid], escalation)
    return {
      url: `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`,
      pid,
      isNew: cluster.isNew,
      ended,
      stop: () => stop(orderly),
      halt: () => stop(hurried),
      lastMessages: () => log.tail(),
    }
  } catch (cause) {
    await stopOrphans(cluster.directory)
    signal?.throwIfAborted()
    throw new Error(`PostgreSQL does not start; ${log.path} ends with:\n${log.tail()}`, { cause })
  }
}

type Program = {
  readonly binaries: string
  readonly directory: string
  readonly identity: Identity
}

const orderly = [
  { signal: 'SIGINT', waitMs: 2500 }, // fast shutdown
  { signal: 'SIGQUIT', waitMs: 700 }, // immediate shutdown
  { signal: 'SIGKILL', waitMs: 600 },
] as const
const hurried = [orderly[1], orderly[2]] as const

function launch(program: Program, settings: readonly string[], log: number): ChildProcess {
  const { binaries, directory, identity } = program
  const local = ['listen_addresses=127.0.0.1', 'unix_socket_directories=']
  const flags = [...local, ...settings].flatMap((setting) => ['-c', setting])
  const child = spawn(join(binaries, 'postgres'), ['-D', directory, ...flags], {
    ...identity,
    cwd: '/',
    env: serverEnvironment,
    detached: true,
    stdio: ['ignore', log, log],
  })
  child.on('error', () => {}) // told by `untilReady`, which finds no pid
  return child
}

/** The server writes `ready` into its pid file once it takes connections; that costs no connection to find out. */
async function untilReady(
  directory: string,
  child: ChildProcess,
  signal: AbortSignal | undefined,
): Promise<number> {
  const path = join(directory, 'postmaster.pid')
  for (let waitedMs = 0; waitedMs < startMsMax; waitedMs += 20) {
    signal?.throwIfAborted()
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
      throw new Error('the server ended while it started')
    }
    const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []
    if (Number(lines[0]) === child.pid && lines[7]?.trim() === 'ready') {
      return child.pid
    }
    await delay(20)
  }
  throw new Error(`the server is not ready after ${startMsMax / 1000} s`)
}
const startMsMax = 120_000 // crash recovery of a long session reads up to 1 GB of log

/** Through the single-user server, which asks for no password and listens nowhere. */
async function setPassword(program: Program, password: string): Promise<void> {
  const { binaries, directory, identity } = program
  if (!/^[\w-]+$/.test(password)) {
    throw new Error('a generated password holds only letters, digits, _ and -')
  }
  const child = spawn(join(binaries, 'postgres'), ['--single', '-D', directory, 'postgres'], {
    ...identity,
    cwd: '/',
    env: serverEnvironment,
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  child.stdin.on('error', () => {}) // it ended early; its exit code tells
  child.stdin.end(`alter role postgres password '${password}'\n`)
  const [code] = await once(child, 'close')
  if (code !== 0) {
    throw new Error(`the database password cannot be set:\n${said.trim()}`)
  }
}
