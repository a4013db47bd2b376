import { cellsOf, stateOf, type Cell, type State } from './universe.ts'

/** What a question asks for, as far as its answer can be judged. */
export type Subject =
  | { readonly kind: 'item'; readonly cell: Cell }
  | {
      readonly kind: 'list'
      readonly organisation: number
      readonly of: Cell['kind']
      /** Only these. */
      readonly status?: State['status']
      /** Begins after this place; lists of links go from the newest to the oldest. */
      readonly after?: number
      /** A page of which it is not known where it begins. */
      readonly isInside?: boolean
    }

/** An answer, without what does not matter. */
export type Answer = {
  readonly status: number
  readonly shown: readonly { readonly cell: Cell; readonly version: number }[]
  readonly hasMore: boolean
  readonly total?: number
}

/** What may be seen of each cell: no version below `least`, and none that was not begun. */
export type Bounds = {
  least(cell: Cell): number
  most(cell: Cell): number
  isVoid(cell: Cell, version: number): boolean
}

export type Complaint = {
  readonly what: 'older' | 'missing' | 'misplaced' | 'rolled back' | 'total'
  readonly cell: Cell
  readonly expected: string
  readonly seen: string
}

/** What is wrong with an answer; undefined for what may be so. */
export function judge(subject: Subject, answer: Answer, bounds: Bounds): Complaint | undefined {
  const wrong = judgeShown(subject, answer, bounds)
  return wrong ?? (subject.kind === 'item' ? judgeItem : judgeList)(subject as any, answer, bounds)
}

/** The cells on which an answer depends. */
export function cellsOfSubject(subject: Subject): readonly Cell[] {
  return subject.kind === 'item' ? [subject.cell] : cellsOf(subject.organisation, subject.of)
}

function judgeShown(subject: Subject, { shown }: Answer, bounds: Bounds): Complaint | undefined {
  for (const { cell, version } of shown) {
    const least = bounds.least(cell)
    if (version < least) {
      return { what: 'older', cell, expected: `v${least}`, seen: `v${version}` }
    }
    if (bounds.isVoid(cell, version)) {
      return { what: 'rolled back', cell, expected: `v${least}`, seen: `v${version}` }
    }
    if (!belongs(subject, stateOf(cell, version))) {
      return { what: 'misplaced', cell, expected: 'not here', seen: `v${version}` }
    }
  }
  return undefined
}

function judgeItem(
  subject: Subject & { kind: 'item' },
  { status }: Answer,
  bounds: Bounds,
): Complaint | undefined {
  const { cell } = subject
  const isFine = status === 200 || mayBe(cell, bounds, ({ isThere }) => !isThere)
  return isFine ? undefined : missing(cell, bounds)
}

function judgeList(
  subject: Subject & { kind: 'list' },
  answer: Answer,
  bounds: Bounds,
): Complaint | undefined {
  const all = cellsOf(subject.organisation, subject.of)
  const there = new Set(answer.shown.map(({ cell }) => cell))
  const isAbsentFine = (cell: Cell): boolean =>
    there.has(cell) || mayBe(cell, bounds, (state) => !belongs(subject, state))
  const absent = all.find((cell) => isCovered(subject, answer, cell) && !isAbsentFine(cell))
  if (absent) {
    return missing(absent, bounds)
  }
  const { total } = answer
  if (total === undefined || subject.of === 'bulk') {
    return undefined
  }
  const leastTotal = all.filter((cell) => !mayBe(cell, bounds, (one) => !belongs(subject, one)))
  const mostTotal = all.filter((cell) => mayBe(cell, bounds, (one) => belongs(subject, one)))
  const [first] = all
  return first && (total < leastTotal.length || total > mostTotal.length)
    ? {
        what: 'total',
        cell: first,
        expected: `${leastTotal.length} to ${mostTotal.length}`,
        seen: String(total),
      }
    : undefined
}

/** Whether the row would be on this page if it was in the list. */
function isCovered(
  { of, after, isInside = false }: Subject & { kind: 'list' },
  { shown, hasMore }: Answer,
  { place }: Cell,
): boolean {
  if (of === 'bulk') {
    return false
  }
  if (of === 'item') {
    return true
  }
  const [first] = shown
  const last = shown.at(-1)
  const isBelowStart = isInside
    ? first !== undefined && place < first.cell.place
    : after === undefined || place < after
  const isBeyondEnd = (hasMore || isInside) && (last === undefined || place < last.cell.place)
  return isBelowStart && !isBeyondEnd
}

function belongs(subject: Subject, { isThere, status }: State): boolean {
  const wanted = subject.kind === 'list' ? subject.status : undefined
  return isThere && (wanted === undefined || wanted === status)
}

/** Whether one of the versions that may be seen looks like that. */
function mayBe(cell: Cell, bounds: Bounds, test: (state: State) => boolean): boolean {
  const least = bounds.least(cell)
  const most = Math.max(least, bounds.most(cell))
  for (let version = least; version <= most; version += 1) {
    if (!bounds.isVoid(cell, version) && test(stateOf(cell, version))) {
      return true
    }
  }
  return false
}

function missing(cell: Cell, bounds: Bounds): Complaint {
  const [least, most] = [bounds.least(cell), bounds.most(cell)]
  return { what: 'missing', cell, expected: `v${least} to v${most}`, seen: 'not there' }
}
