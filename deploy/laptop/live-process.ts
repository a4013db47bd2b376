import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * Which processes are ours. A pid alone proves nothing, since pids are used again: a former child is recognised by pid and
 * start time, an orphaned server by its name and the directory it works in. Linux tells both in /proc; elsewhere `ps` does.
 */

/** Whether the process still runs; a zombie (common in containers without an init) does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return isCode(error, 'EPERM')
  }
  return statFields(pid)?.[0] !== 'Z'
}

/** What tells this process from every other one that ever had its pid; undefined when it is gone. */
export function identify(pid: number): string | undefined {
  if (!isAlive(pid)) {
    return undefined
  }
  if (hasProc) {
    const startTicks = statFields(pid)?.[19] // field 22 of proc(5), counted from the state
    return startTicks && `${read('/proc/sys/kernel/random/boot_id')?.trim()}/${startTicks}`
  }
  return ps(['-o', 'lstart=', '-p', String(pid)])?.trim()
}

/** The processes of these names whose working directory is `directory` (a real path), servers and their helpers alike. */
export function processesIn(directory: string, names: readonly string[]): readonly number[] {
  if (hasProc) {
    return readdirSync('/proc')
      .map(Number)
      .filter(
        (pid) =>
          pid > 0 &&
          names.includes(read(`/proc/${pid}/comm`)?.trim() ?? '') &&
          workingDirectory(pid) === directory &&
          isAlive(pid),
      )
  }
  return (ps(['-axww', '-o', 'pid=,command=']) ?? '')
    .split('\n')
    .filter((line) => line.includes(directory) && names.some((name) => line.includes(name)))
    .map((line) => Number.parseInt(line, 10))
}

/** One signal and how long it may take before the next, harsher one. */
export type Escalation = readonly { readonly signal: NodeJS.Signals; readonly waitMs: number }[]

/** Signals every process until none is left.  @throws when one outlives the last signal */
export async function terminate(pids: readonly number[], escalation: Escalation): Promise<void> {
  for (const { signal, waitMs } of escalation) {
    for (const pid of pids.filter(isAlive)) {
      send(pid, signal)
    }
    for (let waitedMs = 0; waitedMs < waitMs && pids.some(isAlive); waitedMs += pollMs) {
      await delay(pollMs)
    }
  }
  const left = pids.filter(isAlive)
  if (left.length > 0) {
    throw new Error(
      `process ${left.join(', ')} does not stop; end it with: kill -9 ${left.join(' ')}`,
    )
  }
}

/** Sends a signal to a process, or to a whole group when `pid` is negative; nobody there is no fault. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!isCode(error, 'ESRCH')) {
      throw error
    }
  }
}

const pollMs = 20
const hasProc = existsSync('/proc/self/stat')

function workingDirectory(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return undefined // gone meanwhile, or another user's
  }
}

/** The fields after the name, which may itself hold spaces and parentheses. */
function statFields(pid: number): readonly string[] | undefined {
  const text = read(`/proc/${pid}/stat`)
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined // gone meanwhile
  }
}

function ps(args: readonly string[]): string | undefined {
  try {
    return execFileSync('ps', [...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return undefined // no such process
  }
}

/** Whether an error carries this system code. */
export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
