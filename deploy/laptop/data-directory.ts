import { existsSync, mkdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isCode } from './live-process.ts'
import { giveToOwner } from './private-file.ts'
import { Refusal } from './settings.ts'

/** Makes DATA_DIR with its `logs` and `compile-cache`, proves that files can be written there, and returns its real path.
 *  @throws {Refusal} that says what failed, why, and what to do */
export function openDataDirectory(path: string): string {
  try {
    for (const name of ['logs', 'compile-cache']) {
      makeDirectory(join(path, name))
      giveToOwner(join(path, name))
    }
    const probe = join(path, `.probe-${process.pid}`)
    writeFileSync(probe, '')
    rmSync(probe)
    return realpathSync(path)
  } catch (error) {
    throw new Refusal(
      `the data directory ${path} cannot be written: ${reason(error, path)}\n` +
        'Choose another one: DATA_DIR=/path/to/directory npm start',
      { cause: error },
    )
  }
}

/** One level at a time: Node's `recursive` never returns where a system refuses with ENOENT, as /proc does. */
function makeDirectory(path: string): void {
  if (!existsSync(path)) {
    makeDirectory(dirname(path))
    mkdirSync(path)
  }
}

function reason(error: unknown, path: string): string {
  if (isCode(error, 'EACCES') || isCode(error, 'EPERM')) {
    const owner = statSync(path, { throwIfNoEntry: false })?.uid
    const whose = owner === undefined ? '' : ` (it belongs to user id ${owner})`
    return `this user (id ${process.geteuid?.()}) may not write there${whose}`
  }
  if (isCode(error, 'EROFS')) {
    return 'the file system is read-only'
  }
  if (isCode(error, 'ENOSPC') || isCode(error, 'EDQUOT')) {
    return 'the disk is full'
  }
  if (isCode(error, 'ENOTDIR') || isCode(error, 'EEXIST')) {
    return 'a part of the path is a file'
  }
  return error instanceof Error ? error.message : String(error)
}
