import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
} from 'node:fs'

import { giveToOwner } from './private-file.ts'

/** A log that a child writes itself, by descriptor: it needs no permission on the path and survives the launcher. */
export type ServerLog = {
  readonly path: string
  readonly descriptor: number
  /** The last lines since it was opened, for an error message. */
  tail(lines?: number): string
  /** Closes our descriptor; the child has its own. */
  close(): void
}

const bytesMax = 8 * 1024 * 1024

/** Opens for appending; a file that grew beyond 8 MiB is first moved to `.old`. */
export function openServerLog(path: string): ServerLog {
  if (existsSync(path) && statSync(path).size > bytesMax) {
    renameSync(path, `${path}.old`)
  }
  const descriptor = openSync(path, 'a', 0o600)
  giveToOwner(path)
  const start = fstatSync(descriptor).size
  return {
    path,
    descriptor,
    tail: (lines = 12) =>
      readFileSync(path).subarray(start).toString().trim().split('\n').slice(-lines).join('\n'),
    close: () => closeSync(descriptor),
  }
}
