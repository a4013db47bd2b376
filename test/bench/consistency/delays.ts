import type { Event } from './knowledge.ts'
import { cells, stateOf, type Cell } from './universe.ts'

export type Delay = {
  readonly ms: number
  readonly isForeign: boolean
  /** When it was acknowledged. */
  readonly atMs: number
}

type Waiting = { readonly version: number; readonly atMs: number; readonly isForeign: boolean }

/** How long after an acknowledgement in another process a read of this one first saw the write, without a token. Only
 *  rows that are there tell their version. */
export class Delays {
  readonly found: Delay[] = []
  readonly #waiting = new Map<number, Waiting>()
  readonly #seen = cells.map(() => ({ version: 0, atMs: 0 }))

  /** The cells that have to be read again and again, until a read sees what was written. */
  wanted(): Iterable<number> {
    return this.#waiting.keys()
  }

  heard(event: Event): void {
    const cell = cells[event.cell]
    if (event.kind !== 'acknowledged' || !cell || cell.kind !== 'link') {
      return
    }
    const { version, atMs, isForeign } = event
    if (!stateOf(cell, version).isThere) {
      this.#waiting.delete(event.cell)
      return
    }
    const seen = this.#seen[event.cell]
    if (!seen || (seen.version < version && !this.#waiting.has(event.cell))) {
      this.#waiting.set(event.cell, { version, atMs, isForeign })
    } else if (seen?.version === version) {
      this.#found({ version, atMs, isForeign }, seen.atMs)
    }
  }

  seen({ index }: Cell, version: number, atMs: number): void {
    const last = this.#seen[index]
    if (last && version > last.version) {
      this.#seen[index] = { version, atMs }
      const waiting = this.#waiting.get(index)
      if (waiting && version >= waiting.version) {
        this.#waiting.delete(index)
        this.#found(waiting, atMs)
      }
    }
  }

  #found({ atMs, isForeign }: Waiting, seenAtMs: number): void {
    this.found.push({ ms: Math.max(0, seenAtMs - atMs), isForeign, atMs })
  }
}
