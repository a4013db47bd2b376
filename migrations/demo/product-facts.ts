import type { OrderLines } from './order-lines.ts'

/** What the lines say of one stock code. */
export type ProductFacts = {
  readonly code: string
  readonly title: string
  /** Of its first line, whatever that was. */
  readonly firstAt: string
  readonly isActive: boolean
  /** Units of the last 30 days, and of the 30 before. */
  readonly soldCount: number
  readonly soldBeforeCount: number
  /** The current price and the one before it, oldest first; none if it was never sold. */
  readonly prices: readonly PriceSpan[]
}

/** A price in pence from the first sale at it until before the first sale at the next. */
export type PriceSpan = {
  readonly amountMinor: number
  readonly from: string
  readonly to: string | null
}

// The last day of the data is 2011-12-09; these are the first days of its last 30, of the 30 before, and of its last 90.
const recentFrom = '2011-11-10'
const beforeFrom = '2011-10-11'
const activeFrom = '2011-09-11'

type Month = { firstAt: string; readonly counts: Map<number, number> }

type Tally = {
  firstAt: string
  lastSoldAt: string
  soldCount: number
  soldBeforeCount: number
  /** How often it was called what, on lines with a price, and on the others. */
  readonly names: Map<string, number>
  readonly otherNames: Map<string, number>
  /** By `YYYY-MM`: how many sales at which price. */
  readonly months: Map<string, Month>
}

/** Adds the lines up by stock code, in the order of the codes. A sale is a line of an invoice that was not cancelled
 *  (`C…`), with a quantity above zero, at a price of whole pence above zero. */
export function sumProducts(lines: OrderLines): readonly ProductFacts[] {
  const tallies = new Map<string, Tally>()
  for (const [line, code] of lines.codes.entries()) {
    const at = lines.times[line] ?? ''
    let tally = tallies.get(code)
    if (tally === undefined) {
      tally = openTally(at)
      tallies.set(code, tally)
    }
    tally.firstAt = at < tally.firstAt ? at : tally.firstAt
    const price = lines.prices[line] ?? 0
    const name = lines.descriptions[line] ?? ''
    count(price > 0 ? tally.names : tally.otherNames, name)
    const units = lines.quantities[line] ?? 0
    if (price > 0 && price % 10 === 0 && units > 0 && !lines.invoices[line]?.startsWith('C')) {
      addSale(tally, { at, price, units })
    }
  }
  return [...tallies].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(describe)
}

function openTally(firstAt: string): Tally {
  return {
    firstAt,
    lastSoldAt: '',
    soldCount: 0,
    soldBeforeCount: 0,
    names: new Map(),
    otherNames: new Map(),
    months: new Map(),
  }
}

function addSale(tally: Tally, sale: { at: string; price: number; units: number }): void {
  const { at, price, units } = sale
  tally.lastSoldAt = at > tally.lastSoldAt ? at : tally.lastSoldAt
  if (at >= recentFrom) {
    tally.soldCount += units
  } else if (at >= beforeFrom) {
    tally.soldBeforeCount += units
  }
  const name = at.slice(0, 7)
  const month = tally.months.get(name) ?? { firstAt: at, counts: new Map<number, number>() }
  tally.months.set(name, month)
  month.firstAt = at < month.firstAt ? at : month.firstAt
  count(month.counts, price / 10)
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function describe([code, tally]: readonly [string, Tally]): ProductFacts {
  return {
    code,
    title: titleOf(code, tally),
    firstAt: tally.firstAt,
    isActive: tally.lastSoldAt >= activeFrom,
    soldCount: tally.soldCount,
    soldBeforeCount: tally.soldBeforeCount,
    prices: pricesOf(tally.months),
  }
}

/** What it was called most often on lines with a price; the earlier one of two. Lines without a price carry what the
 *  stocktakers noted (`thrown away`): of those only words in capitals are a name. Where there is none, the code. */
function titleOf(code: string, { names, otherNames }: Tally): string {
  const printed = [...otherNames].filter(([name]) => !/[a-z]/.test(name))
  const candidates = names.size > 0 ? [...names] : printed
  const [best] = candidates
    .filter(([name]) => /[A-Za-z]/.test(name))
    .toSorted(([, one], [, other]) => other - one)
  return best?.[0].trim().replaceAll(/\s+/g, ' ') ?? code
}

/** The price of a month is the one most sales were made at, the lower one of two. Neighbouring months of sale at one
 *  price are one span; the last two are kept. */
function pricesOf(months: ReadonlyMap<string, Month>): readonly PriceSpan[] {
  const spans: { amountMinor: number; from: string; to: string | null }[] = []
  for (const [, { firstAt, counts }] of [...months].toSorted(byMonth)) {
    const [[amountMinor] = [0]] = [...counts].toSorted(
      ([low, few], [high, many]) => many - few || low - high,
    )
    const last = spans.at(-1)
    if (last?.amountMinor !== amountMinor) {
      if (last !== undefined) {
        last.to = firstAt
      }
      spans.push({ amountMinor, from: firstAt, to: null })
    }
  }
  return spans.slice(-2)
}

function byMonth([one]: readonly [string, Month], [other]: readonly [string, Month]): number {
  return one < other ? -1 : 1
}
