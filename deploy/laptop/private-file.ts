import {
  chmodSync,
  chownSync,
  existsSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'

/** Writes a file that only its owner may read, whole or not at all. */
export function writePrivate(path: string, text: string): void {
  const unfinished = `${path}.new`
  writeFileSync(unfinished, text, { mode: 0o600, flush: true })
  chmodSync(unfinished, 0o600)
  giveToOwner(unfinished)
  renameSync(unfinished, path)
}

/** Root writes for whoever owns the directory, so that a later start without sudo can still use what lies in it. */
export function giveToOwner(path: string): void {
  if (process.geteuid?.() === 0) {
    const { uid, gid } = statSync(dirname(path))
    chownSync(path, uid, gid)
  }
}

/** The file's text, or undefined when there is no such file. */
export function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}
