import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { processesIn, send, terminate } from './live-process.ts'
import { sharedDirectory } from './postgres-binaries.ts'
import { canUse, type Identity } from './server-user.ts'

export type ClusterOptions = {
  /** Where the caller wants the cluster; becomes a link when the server's user cannot get there. */
  readonly directory: string
  readonly identity: Identity
  readonly binaries: string
  readonly password: string
  readonly isDurable: boolean
  readonly signal?: AbortSignal
  /** For root only: where clusters live that cannot lie below `directory`. */
  readonly home?: string
}

/** @property directory the real one: the server's working directory, by which an orphan is recognised */
export type Cluster = { readonly directory: string; readonly isNew: boolean }

/**
 * Opens the cluster, or makes it under another name and renames it when it is whole: whatever interrupts `initdb`, the next
 * start finds either a complete cluster or none. Servers that a killed start left behind are stopped first.
 */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const { directory } = options
  if (existsSync(join(directory, 'PG_VERSION'))) {
    const found = realpathSync(directory)
    await stopOrphans(found)
    return { directory: found, isNew: false }
  }
  await refuseForeign(directory)
  const place = await findPlace(options)
  try {
    await initialise(options, place.unfinished)
    await rm(directory, { recursive: true, force: true })
    await rename(place.unfinished, place.final)
  } finally {
    await rm(place.unfinished, { recursive: true, force: true })
  }
  if (place.final !== directory) {
    await symlink(place.final, directory)
  }
  return { directory: realpathSync(directory), isNew: true }
}

/** The servers and helpers that work in a cluster without a launcher. */
export function orphansIn(cluster: string): readonly number[] {
  return processesIn(cluster, ['postgres', 'initdb'])
}

/** Stops what still runs in a cluster: asked nicely first, so that no crash recovery is needed. */
export async function stopOrphans(cluster: string): Promise<void> {
  const orphans = orphansIn(cluster)
  const main = Number.parseInt(readPidFile(cluster), 10)
  if (orphans.includes(main)) {
    send(main, 'SIGCONT')
    await terminate(
      [main],
      [
        { signal: 'SIGINT', waitMs: 5000 },
        { signal: 'SIGQUIT', waitMs: 2000 },
        { signal: 'SIGKILL', waitMs: 2000 },
      ],
    )
  }
  // Until a look finds none: an `initdb` starts one helper after the other, also while it is being asked to stop.
  for (let left = orphansIn(cluster); left.length > 0; left = orphansIn(cluster)) {
    await terminate(left, [
      { signal: 'SIGQUIT', waitMs: 1000 },
      { signal: 'SIGKILL', waitMs: 2000 },
    ])
  }
  await rm(join(cluster, 'postmaster.pid'), { force: true })
}

function readPidFile(cluster: string): string {
  const path = join(cluster, 'postmaster.pid')
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

/** Nothing that we did not make is ever removed. */
async function refuseForeign(directory: string): Promise<void> {
  const entry = await lstat(directory).catch(() => undefined)
  const content = entry?.isDirectory() ? await readdir(directory) : []
  if (content.length > 0) {
    throw new Error(
      `${directory} holds files but no database cluster; move them away or set DATA_DIR elsewhere`,
    )
  }
}

type Place = { readonly unfinished: string; readonly final: string }

/** An empty directory that the server's user really can use, here or, for root, in /var/lib/tidegate. */
async function findPlace(options: ClusterOptions): Promise<Place> {
  const { directory, identity, home = sharedDirectory } = options
  const parent = realpathSync(dirname(directory))
  const here = { unfinished: `${join(parent, basename(directory))}.new`, final: directory }
  if (await prepare(here.unfinished, identity)) {
    return here
  }
  await rm(here.unfinished, { recursive: true, force: true })
  if (identity.uid === undefined) {
    throw new Error(`${parent} cannot hold a database: the file system refuses its permissions`)
  }
  const name = createHash('sha256').update(parent).digest('hex').slice(0, 16)
  const there = { unfinished: join(home, `${name}.new`), final: join(home, name) }
  await mkdir(home, { recursive: true, mode: 0o755 })
  if (existsSync(there.final)) {
    // Its link is gone: DATA_DIR was deleted to start afresh.
    await stopOrphans(there.final)
    await rm(there.final, { recursive: true })
  }
  if (await prepare(there.unfinished, identity)) {
    return there
  }
  throw new Error(
    `user id ${identity.uid}, which runs PostgreSQL, can use neither ${parent} nor ${home}`,
  )
}

async function prepare(directory: string, identity: Identity): Promise<boolean> {
  if (existsSync(directory)) {
    await stopOrphans(realpathSync(directory)) // an initdb whose launcher was killed
    await rm(directory, { recursive: true })
  }
  await mkdir(directory, { mode: 0o700 })
  return (await own(directory, identity, 0o700)) && canUse(directory, identity)
}

/** False where the file system knows no owners (some network and shared folders). */
async function own(path: string, { uid, gid }: Identity, mode: number): Promise<boolean> {
  try {
    await chmod(path, mode)
    if (uid !== undefined && gid !== undefined) {
      await chown(path, uid, gid)
    }
    return true
  } catch {
    return false
  }
}

async function initialise(options: ClusterOptions, directory: string): Promise<void> {
  const { identity, signal } = options
  signal?.throwIfAborted()
  const passwordFile = `${directory}.password`
  await writeFile(passwordFile, `${options.password}\n`, { mode: 0o600 })
  await own(passwordFile, identity, 0o600)
  const args = ['-D', directory, '--username=postgres', `--pwfile=${passwordFile}`]
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin']
  const child = spawn(
    join(options.binaries, 'initdb'),
    [
      ...args,
      ...locale,
      '--builtin-locale=C.UTF-8',
      '--auth=scram-sha-256',
      ...(options.isDurable ? [] : ['--no-sync']),
    ],
    // In the new directory, by which an orphan is found; in a session of its own, out of reach of the terminal's Ctrl-C.
    {
      ...identity,
      cwd: directory,
      env: serverEnvironment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const interrupt = (): void => killGroup(child)
  signal?.addEventListener('abort', interrupt)
  if (signal?.aborted === true) {
    interrupt() // meanwhile, and listeners are told only of what comes
  }
  try {
    await succeed(child)
  } catch (cause) {
    signal?.throwIfAborted()
    throw cause
  } finally {
    signal?.removeEventListener('abort', interrupt)
    await rm(passwordFile, { force: true })
  }
}

/** Everything the server's programs need of the environment; nothing of the caller's leaks in (PGPORT, PGDATA, LANG). */
export const serverEnvironment = { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' }

function killGroup(child: ChildProcess): void {
  if (child.pid !== undefined) {
    send(-child.pid, 'SIGKILL')
  }
}

async function succeed(child: ChildProcess): Promise<void> {
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (said += text))
  }
  const [code, signal] = await once(child, 'close')
  if (code !== 0) {
    throw new Error(
      `initdb failed (${code ?? signal}):\n${said.trim().split('\n').slice(-8).join('\n')}`,
    )
  }
}
