import { cells, organisationsCount, processesCount } from './universe.ts'

/** What one process tells the others, with the time on the clock of the machine. */
export type Event = {
  readonly cell: number
  readonly version: number
  readonly atMs: number
} & (
  | {
      readonly kind: 'started'
      /** It is going to be rolled back. */
      readonly isVoid: boolean
    }
  | {
      readonly kind: 'acknowledged'
      /** Written past the product: its own process was promised nothing. */
      readonly isForeign: boolean
    }
)

/** All that happened in one process up to `untilMs`, after what it told before. */
export type News = {
  readonly from: number
  readonly untilMs: number
  readonly events: readonly Event[]
}

type Dated = { readonly version: number; readonly atMs: number }

/** After so long every process must know of a write: the bound that is promised. */
export const boundMs = 1_000
/** Writes of a cell that are remembered; many more than the longest fault has room for. */
const rememberedMax = 128

/** What one process knows of who has written what, by cell. */
export class Knowledge {
  readonly self: number
  /** Counts what makes older answers of an organisation untrue. */
  readonly demands = new Int32Array(organisationsCount)
  /** When it was last begun or acknowledged. */
  readonly touchedAtMs = new Float64Array(cells.length).fill(-Infinity)
  readonly #started = new Int32Array(cells.length)
  readonly #heardUntilMs = new Float64Array(processesCount)
  readonly #starts: Dated[][] = cells.map(() => [])
  readonly #own: Dated[][] = cells.map(() => [])
  readonly #anybodys: Dated[][] = cells.map(() => [])
  readonly #voids = cells.map(() => new Set<number>())
  /** Acknowledged less than the bound ago. */
  #coming: { readonly cell: number; readonly atMs: number }[] = []

  constructor(self: number) {
    this.self = self
    this.#heardUntilMs[self] = Infinity
  }

  take({ from, untilMs, events }: News): void {
    events.forEach((event) => this.note(event, false))
    this.#heardUntilMs[from] = untilMs
  }

  /** @param isOwn it happened in this process */
  note(event: Event, isOwn: boolean): void {
    const { kind, cell, version, atMs } = event
    this.touchedAtMs[cell] = Math.max(this.touchedAtMs[cell] ?? 0, atMs)
    if (kind === 'started') {
      this.#started[cell] = Math.max(this.#started[cell] ?? 0, version)
      remember(this.#starts[cell], { version, atMs })
      if (event.isVoid) {
        this.#voids[cell]?.add(version)
      }
      return
    }
    remember(this.#anybodys[cell], { version, atMs })
    this.#coming.push({ cell, atMs })
    if (isOwn && !event.isForeign) {
      remember(this.#own[cell], { version, atMs })
      this.#demand(cell)
    }
  }

  /** Lets what was acknowledged longer ago than the bound be demanded. */
  advance(nowMs: number): void {
    const isComing = ({ atMs }: { readonly atMs: number }): boolean => atMs >= nowMs - boundMs
    const count = this.#coming.findIndex(isComing)
    const due = this.#coming.slice(0, count < 0 ? undefined : count)
    if (due.length > 0) {
      due.forEach(({ cell }) => this.#demand(cell))
      this.#coming = this.#coming.slice(due.length)
    }
  }

  /** Up to when everything that happened anywhere is known. */
  heardUntilMs(): number {
    return Math.min(...this.#heardUntilMs)
  }

  isVoid(cell: number, version: number): boolean {
    return this.#voids[cell]?.has(version) === true
  }

  /** The greatest version that anybody was heard to begin. */
  started(cell: number): number {
    return this.#started[cell] ?? 0
  }

  startedBefore(cell: number, atMs: number): number {
    return lastBefore(this.#starts[cell], atMs)
  }

  /** In this process. */
  ownBefore(cell: number, atMs: number): number {
    return lastBefore(this.#own[cell], atMs)
  }

  /** In any process. */
  acknowledgedBefore(cell: number, atMs: number): number {
    return lastBefore(this.#anybodys[cell], atMs)
  }

  #demand(cell: number): void {
    const organisation = cells[cell]?.organisation ?? 0
    this.demands[organisation] = (this.demands[organisation] ?? 0) + 1
  }
}

function remember(list: Dated[] | undefined, dated: Dated): void {
  list?.push(dated)
  if (list && list.length > rememberedMax) {
    list.splice(0, rememberedMax / 2)
  }
}

function lastBefore(list: readonly Dated[] | undefined, atMs: number): number {
  if (list) {
    for (let index = list.length - 1; index >= 0; index -= 1) {
      const dated = list[index]
      if (dated && dated.atMs < atMs) {
        return dated.version
      }
    }
  }
  return 0
}
