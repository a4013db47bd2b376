import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { chmod, mkdtemp, rm, statfs } from 'node:fs/promises'
import { freemem, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { identify, terminate } from '../../deploy/laptop/live-process.ts'
import { stopOrphans } from '../../deploy/laptop/postgres-cluster.ts'
import { readIfThere, writePrivate } from '../../deploy/laptop/private-file.ts'
import { leftovers, stopLeftovers } from '../../deploy/laptop/process-table.ts'
import { redisOrphans } from '../../deploy/laptop/redis.ts'
import { findInstance } from '../../deploy/laptop/single-instance.ts'

// Everything that a run leaves on disk lies in one directory named after its runner's pid. A runner that is killed cannot
// clean up, so the next run does: it stops only what works inside such a directory whose runner is gone, and removes it.

const prefix = 'tidegate-test-'
/** Where files are memory, on Linux. */
const memory = '/dev/shm'
/** More than a run of the specs takes, the demo and its copies included. */
const memoryBytesMin = 8 * 1024 ** 3
const variable = 'TIDEGATE_TEST_DIRECTORY'

/** Where the specs have their servers: in memory where there is plenty. Nearly every spec has a database of its own, which is
 *  some hundred files, and those are dear to make on a disk. */
export async function roomiest(): Promise<string> {
  const { bavail, bsize } = await statfs(memory).catch(() => ({ bavail: 0, bsize: 0 }))
  return Math.min(bavail * bsize, freemem()) >= memoryBytesMin ? memory : tmpdir()
}

/** Makes the directory of this run, where any user may enter, since Postgres does not run as root; removes those of dead
 *  runners. Not below the checkout: its parents may be closed to that user. */
export async function openRunDirectory(parent = tmpdir()): Promise<string> {
  for (const place of new Set([parent, tmpdir()])) {
    await removeAbandoned(place)
  }
  const directory = realpathSync(await mkdtemp(join(parent, `${prefix}${process.pid}-`)))
  await chmod(directory, 0o755)
  writePrivate(join(directory, 'runner'), identify(process.pid) ?? '')
  process.env[variable] = directory
  process.env['NODE_COMPILE_CACHE'] ??= join(directory, 'compile-cache') // for the processes that specs start
  return directory
}

/** What every process that a spec starts is given, whatever else it may not see. */
export function childEnvironment(): Record<string, string | undefined> {
  const { PATH, NODE_COMPILE_CACHE } = process.env
  return { PATH, NODE_COMPILE_CACHE }
}

/** The directory of this run, for spec files. */
export function runDirectory(): string {
  const directory = process.env[variable]
  if (directory === undefined) {
    throw new Error('the test servers are not running; start specs with npm test')
  }
  return directory
}

/** Stops and removes what dead runners left behind. */
async function removeAbandoned(parent: string): Promise<void> {
  const ours = readdirSync(parent)
    .filter((name) => name.startsWith(prefix))
    .map((name) => join(parent, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.uid === process.geteuid?.())
  for (const directory of ours.filter(isAbandoned)) {
    const inside = readdirSync(directory, { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    )
    for (const place of [directory, ...inside.map(({ name }) => join(directory, name))]) {
      await stopAllIn(place)
    }
    await rm(directory, { recursive: true, force: true })
  }
}

/** A runner is known by pid and start time; one that has not written its file yet lives. */
function isAbandoned(directory: string): boolean {
  const pid = Number(/^tidegate-test-(\d+)-/.exec(basename(directory))?.[1])
  if (!Number.isInteger(pid)) {
    return false
  }
  const identity = identify(pid)
  const recorded = readIfThere(join(directory, 'runner'))
  return identity === undefined || (recorded !== undefined && recorded !== identity)
}

/** The launcher that holds its lock, its processes, its servers: each proven to be of this directory by the launcher's own code. */
async function stopAllIn(directory: string): Promise<void> {
  const launcher = await findInstance(directory)
  if (launcher?.pid !== undefined) {
    await terminate(
      [launcher.pid],
      [
        { signal: 'SIGINT', waitMs: 10_000 },
        { signal: 'SIGKILL', waitMs: 1000 },
      ],
    )
  }
  await stopLeftovers(leftovers(join(directory, 'processes.json')))
  for (const name of ['postgres', 'postgres.new']) {
    if (existsSync(join(directory, name))) {
      await stopOrphans(realpathSync(join(directory, name)))
    }
  }
  if (existsSync(join(directory, 'redis'))) {
    const orphans = redisOrphans(realpathSync(join(directory, 'redis')))
    await terminate(orphans, [{ signal: 'SIGKILL', waitMs: 2000 }])
  }
}
