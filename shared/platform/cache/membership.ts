import type { ChangedRow, RowChange } from './change.ts'
import type { Interval, Membership, SortColumn } from './dependencies.ts'

/** Whether a change could have brought a row into the list or out of it: what decides where it appears has changed, and it
 *  could be in the list as it was before or as it is now. */
export function concerns({ equal, interval }: Membership, { old, new: now }: RowChange): boolean {
  if (old && now && isSame(old, now)) {
    return false
  }
  return [old, now].some(
    (row) =>
      row !== undefined &&
      equal.every(([column, values]) => fulfils(row, column, values)) &&
      (interval === undefined || liesWithin(row, interval)),
  )
}

function isSame(old: ChangedRow, now: ChangedRow): boolean {
  const columns = Object.keys(now)
  return columns.every((column) => old[column] === now[column])
}

/** A column that the change does not tell may have any value. */
function fulfils(row: ChangedRow, column: string, values: readonly string[]): boolean {
  const value = row[column]
  return value === undefined || (value !== null && values.includes(value))
}

function liesWithin(row: ChangedRow, { columns, isDown, first, last }: Interval): boolean {
  const key = columns.map(({ name }) => row[name])
  if (!key.every((value): value is string => typeof value === 'string')) {
    return true
  }
  const [low, high] = isDown ? [last, first] : [first, last]
  return (
    (low === undefined || compareKeys(columns, key, low) >= 0) &&
    (high === undefined || compareKeys(columns, key, high) <= 0)
  )
}

/** As `ORDER BY` would. What cannot be compared is equal: then it lies within every interval. */
function compareKeys(
  columns: readonly SortColumn[],
  one: readonly string[],
  other: readonly string[],
): number {
  for (const [index, { type }] of columns.entries()) {
    const order = comparisons[type](one[index] ?? '', other[index] ?? '')
    if (order !== 0) {
      return Number.isNaN(order) ? 0 : order
    }
  }
  return 0
}

const comparisons: Readonly<Record<SortColumn['type'], (one: string, other: string) => number>> = {
  text: compareTexts,
  number: compareDecimals,
  instant: (one, other) => compareNumbers(microsecondsOf(one), microsecondsOf(other)),
}

/** By code points, which is the order of the C collation; JavaScript compares UTF-16 units, and puts the characters beyond
 *  U+FFFF too early. */
function compareTexts(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}

function compareNumbers(one: bigint | undefined, other: bigint | undefined): number {
  if (one === undefined || other === undefined) {
    return Number.NaN
  }
  return one < other ? -1 : Number(one > other)
}

/** Whole numbers exactly; what has decimals as far as a double can tell, and as equal where it cannot. */
function compareDecimals(one: string, other: string): number {
  const isWhole = /^-?\d+$/.test(one) && /^-?\d+$/.test(other)
  return isWhole ? compareNumbers(BigInt(one), BigInt(other)) : Number(one) - Number(other)
}

const iso = /^(\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)$/

/** Microseconds since 1970; a JavaScript Date would lose those below a millisecond. Undefined for infinity, for years before
 *  our era and for zones with seconds: rows that lie anywhere. */
function microsecondsOf(text: string): bigint | undefined {
  const [, whole, fraction = '', zone] = iso.exec(text) ?? []
  const seconds = whole === undefined ? Number.NaN : Date.parse(`${whole}${zone}`) / 1000
  return Number.isInteger(seconds)
    ? BigInt(seconds) * 1_000_000n + BigInt(fraction.padEnd(6, '0'))
    : undefined
}
