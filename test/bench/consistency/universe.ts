import { mixed } from './dice.ts'

/**
 * What there is to read and to write, the same in every process. A cell is a row that may or may not be there; it has a
 * version that only grows, and how it looks at a version is computed from nothing but cell and version. So whoever sees a
 * version knows whether the row should have been seen there, and all that processes need to tell one another is numbers.
 */
export type Cell = {
  readonly index: number
  /** `bulk`: all the rows of one large organisation, which are only ever changed together. */
  readonly kind: 'link' | 'item' | 'bulk'
  /** Its place among the organisations. */
  readonly organisation: number
  /** Its place in its list, from the oldest. */
  readonly place: number
  /** The process that writes it, so that nobody else gives out its versions. */
  readonly lane: number
}

/** How a cell looks at one version. */
export type State = { readonly isThere: boolean; readonly status: 'open' | 'cancelled' | 'paid' }

export const processesCount = 3
/** The last one is the large one. */
export const organisationsCount = 4
export const linksCount = 16
export const itemsCount = 5
/** More than the log of changes tells row by row. */
export const bulkCount = 520

export const bulkOrganisation = organisationsCount - 1

export const cells: readonly Cell[] = makeCells()

/** The cells of one organisation, oldest first. */
export const cellsOf = (organisation: number, kind: Cell['kind']): readonly Cell[] =>
  byOrganisation.get(`${organisation} ${kind}`) ?? []

const byOrganisation = Map.groupBy(cells, ({ organisation, kind }) => `${organisation} ${kind}`)
const byRow = new Map(
  cells
    .filter(({ kind }) => kind !== 'bulk')
    .map((cell) => [
      cell.kind === 'item' ? itemId(cell) : linkId(cell.organisation, cell.place),
      cell,
    ]),
)

/** The cell that a row belongs to. */
export function cellOfRow(organisation: number, id: string): Cell | undefined {
  return organisation === bulkOrganisation ? cellsOf(organisation, 'bulk')[0] : byRow.get(id)
}

/** Version 0 is how it begins: every fourth link is not there yet. */
export function stateOf({ index, kind, place }: Cell, version: number): State {
  if (kind === 'bulk' || (kind === 'link' && place === 0)) {
    return { isThere: true, status: 'open' }
  }
  if (version === 0) {
    return { isThere: kind === 'item' || place % 4 !== 3, status: 'open' }
  }
  const roll = mixed(index * 7_919 + version * 104_729) % 10
  const status = roll < 4 ? 'cancelled' : roll === 4 ? 'paid' : 'open'
  return { isThere: roll > 1, status: kind === 'item' ? 'open' : status }
}

export function linkId(organisation: number, place: number): string {
  const number = (organisation * 10_000 + place).toString(16).padStart(12, '0')
  return `01900000-0000-7000-8000-${number}`
}

export function itemId({ organisation, place }: Cell): string {
  return String(1_000 * (organisation + 1) + place)
}

/** A minute apart. */
export function createdAtOf(place: number): string {
  return new Date(Date.UTC(2026, 0, 1) + place * 60_000).toISOString()
}

function makeCells(): Cell[] {
  const places = (count: number) => Array.from({ length: count }, (_, place) => place)
  const small = places(organisationsCount - 1).flatMap((organisation) => [
    ...places(linksCount).map((place) => ({ kind: 'link' as const, organisation, place })),
    ...places(itemsCount).map((place) => ({ kind: 'item' as const, organisation, place })),
  ])
  const bulk = { kind: 'bulk' as const, organisation: organisationsCount - 1, place: 0 }
  return [...small, bulk].map((cell, index) => ({
    ...cell,
    index,
    lane: cell.kind === 'bulk' ? 0 : cell.place % processesCount,
  }))
}
