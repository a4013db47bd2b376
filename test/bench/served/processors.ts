import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { readdirSync, readFileSync } from 'node:fs'

// Servers that are measured have a processor to themselves; whatever asks them, and the databases, share the others.

const last = availableParallelism() - 1
const serverProcessor = '0'
const otherProcessors = last > 1 ? `1-${last}` : '1'

/** Keeps this process, and whatever it starts from here on, off the processor of the servers.
 *  @returns what to print about it */
export function makeRoom(): string {
  if (last === 0) {
    return 'one processor for everything: what asks the servers takes their time away'
  }
  return pin(process.pid, otherProcessors)
    ? `servers on processor ${serverProcessor}, what asks them on ${otherProcessors}`
    : 'no taskset on PATH: servers and what asks them share the processors'
}

/** Gives a server, with all that it has started, the processor of the servers. */
export function pinServer(pid: number): void {
  for (const one of treeOf(pid)) {
    pin(one, serverProcessor)
  }
}

function pin(pid: number, processors: string): boolean {
  return spawnSync('taskset', ['-a', '-c', '-p', processors, String(pid)]).status === 0
}

/** CPU time so far, user and system, of every thread of some processes; microseconds by thread. */
export type CpuTimes = ReadonlyMap<string, number>

/** Nanoseconds on a processor, as the scheduler counts them: the ticks of /proc/<pid>/stat are as long as a hundred answers. */
export function cpuOf(pids: readonly number[]): CpuTimes {
  const threads = pids.flatMap((pid) =>
    namesIn(`/proc/${pid}/task`).map((one) => `${pid}/task/${one}`),
  )
  return new Map(threads.map((thread) => [thread, timeOf(thread)]))
}

/** What was used between two readings. What ended in between counts for nothing: connections of a database that were idle. */
export function cpuBetween(before: CpuTimes, after: CpuTimes): number {
  return [...after].reduce((sum, [thread, us]) => sum + us - (before.get(thread) ?? 0), 0)
}

function timeOf(thread: string): number {
  try {
    const [ns] = readFileSync(`/proc/${thread}/schedstat`, 'utf8').split(' ', 1)
    return Number(ns) / 1000
  } catch {
    return 0 // ended meanwhile
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch {
    return [] // ended meanwhile
  }
}

/** The process and whatever it has started. */
export function treeOf(root: number): readonly number[] {
  const parents = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => [Number(name), parentOf(name)]),
  )
  const isBelow = (pid: number | undefined): boolean =>
    pid !== undefined && (pid === root || isBelow(parents.get(pid)))
  return [...parents.keys()].filter(isBelow)
}

function parentOf(pid: string): number | undefined {
  try {
    const [, parent] = /\) \w (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
    return Number(parent)
  } catch {
    return undefined // ended meanwhile
  }
}

/** Resident memory of these processes; MiB. */
export function residentMiB(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const [, kB] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return sum + Number(kB) / 1024
  }, 0)
}
