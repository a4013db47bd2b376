import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { access, constants, mkdir, realpath, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { processesIn, terminate } from './live-process.ts'
import { giveToOwner } from './private-file.ts'
import { askRedis } from './redis-talk.ts'
import { openServerLog } from './server-log.ts'
import { canUse, type Identity } from './server-user.ts'

const execute = promisify(execFile)
const names = ['redis-server', 'valkey-server'] as const

export type RedisServer = {
  readonly url: string
  readonly pid: number
  /** Resolves when the server has ended, asked or not. */
  readonly ended: Promise<void>
  /** Writes what is outstanding and ends: at most 2 s. */
  readonly stop: () => Promise<void>
  lastMessages(): string
}

export type RedisOptions = {
  readonly binary: string
  readonly directory: string
  readonly port: number
  /** Read by the server from its standard input, so that `ps` does not show it. None when left out. */
  readonly password?: string
  /** As on the command line: `--appendonly`, `yes` … */
  readonly settings?: readonly string[]
  /** Where the server's own messages go; `<directory>.log` when left out. */
  readonly logFile?: string
  readonly signal?: AbortSignal
}

/** The first Redis-compatible server on the given PATH, if any. */
export async function findRedisBinary(path: string): Promise<string | undefined> {
  return findProgram(path, names)
}

/** The first of these programs in the directories of a PATH: the earliest directory wins. */
export async function findProgram(
  path: string,
  programs: readonly string[],
): Promise<string | undefined> {
  const candidates = path
    .split(delimiter)
    .filter(Boolean)
    .flatMap((directory) => programs.map((name) => join(directory, name)))
  for (const candidate of candidates) {
    const isThere = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) {
      return candidate
    }
  }
  return undefined
}

/** `7.0.15` of `Redis server v=7.0.15 sha=…`.  @throws when it does not run */
export async function redisVersion(binary: string): Promise<string> {
  const { stdout } = await execute(binary, ['--version'])
  return /v=(\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? 'unknown'
}

/** The servers that work in a directory without a launcher. */
export function redisOrphans(directory: string): readonly number[] {
  return processesIn(directory, names)
}

/** Starts a Redis on 127.0.0.1 as a child of this process and waits until it has loaded its data.
 *  What a killed start left behind in the same directory is stopped first. */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const { directory, signal } = options
  await mkdir(directory, { recursive: true, mode: 0o700 })
  giveToOwner(directory)
  await terminate(redisOrphans(await realpath(directory)), escalation)
  signal?.throwIfAborted()
  const log = openServerLog(options.logFile ?? `${directory}.log`)
  const child = launch(options, await ownerOf(directory), log.descriptor)
  log.close()
  const ended = new Promise<void>((resolve) => void child.once('close', () => resolve()))
  try {
    const pid = await untilReady(child, options)
    return {
      url: urlOf(options),
      pid,
      ended,
      stop: () => terminate([pid], escalation),
      lastMessages: () => log.tail(),
    }
  } catch (cause) {
    await terminate(child.pid === undefined ? [] : [child.pid], escalation)
    signal?.throwIfAborted()
    throw new Error(`Redis does not start; ${log.path} ends with:\n${log.tail()}`, { cause })
  }
}

function urlOf({ port, password }: RedisOptions): string {
  const user = password === undefined ? '' : `:${password}@`
  return `redis://${user}127.0.0.1:${port}`
}

const escalation = [
  { signal: 'SIGTERM', waitMs: 1200 },
  { signal: 'SIGKILL', waitMs: 300 },
] as const

/** Root runs it as whoever owns the directory, who could not use its files later otherwise. */
async function ownerOf(directory: string): Promise<Identity> {
  const { uid, gid } = await stat(directory)
  const isOther = process.geteuid?.() === 0 && uid !== 0
  return isOther && canUse(directory, { uid, gid }) ? { uid, gid } : {}
}

function launch(options: RedisOptions, identity: Identity, log: number): ChildProcess {
  const { binary, directory, port, password, settings = [] } = options
  const listen = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory]
  const child = spawn(binary, ['-', ...listen, ...settings], {
    ...identity,
    cwd: directory,
    detached: true, // out of reach of the terminal's Ctrl-C
    stdio: ['pipe', log, log],
  })
  child.on('error', () => {}) // told by `untilReady`, which finds no pid
  child.stdin?.on('error', () => {}) // likewise
  child.stdin?.end(password === undefined ? '' : `requirepass ${password}\n`)
  return child
}

async function untilReady(child: ChildProcess, options: RedisOptions): Promise<number> {
  for (let waitedMs = 0; waitedMs < startMsMax; waitedMs += 20) {
    options.signal?.throwIfAborted()
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
      throw new Error('the server ended while it started')
    }
    if (await answers(urlOf(options))) {
      return child.pid
    }
    await delay(20)
  }
  throw new Error(`the server is not ready after ${startMsMax / 1000} s`)
}
const startMsMax = 30_000

/** Whether it answers PING: while it still loads its data it says LOADING instead. */
async function answers(url: string): Promise<boolean> {
  try {
    return (await askRedis(url, [['PING']])).includes('+PONG')
  } catch {
    return false // it does not listen yet
  }
}
