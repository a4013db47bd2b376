import { readColumns, spellOutDescriptions } from '../../migrations/demo/packed.ts'

// The published lines read once more, a list of them per stock code: what the seed adds up in passing is looked up here.

type Line = {
  readonly invoice: string
  readonly description: string
  readonly quantity: number
  readonly at: string
  readonly price: string
}

export type PublishedProduct = {
  readonly title: string
  readonly firstAt: string
  readonly isActive: boolean
  readonly soldCount: number
  readonly soldBeforeCount: number
  /** Pence, month by month of sale, with the first sale of the month. */
  readonly months: readonly { readonly pence: number; readonly firstAt: string }[]
}

export async function readProducts(): Promise<ReadonlyMap<string, PublishedProduct>> {
  const table = await readColumns('online-retail')
  const column = (name: string): readonly string[] => table.get(name)?.split('\n') ?? []
  const codes = column('StockCode')
  const descriptions = spellOutDescriptions(codes, column('Description'))
  const [invoices, quantities] = [column('InvoiceNo'), column('Quantity')]
  const [times, prices] = [column('InvoiceDate'), column('UnitPrice')]
  const lines = codes.map((code, line) => ({
    code,
    invoice: invoices[line] ?? '',
    description: descriptions[line] ?? '',
    quantity: Number(quantities[line]),
    at: times[line] ?? '',
    price: prices[line] ?? '',
  }))
  const byCode = Map.groupBy(lines, ({ code }) => code)
  return new Map([...byCode].map(([code, those]) => [code, describe(code, those)]))
}

function describe(code: string, lines: readonly Line[]): PublishedProduct {
  const sales = lines.filter(
    ({ invoice, quantity, price }) =>
      !invoice.startsWith('C') && quantity > 0 && Number(price) > 0 && price !== '0.001',
  )
  const soldBetween = (from: string, to: string): number =>
    sales.filter(({ at }) => at >= from && at < to).reduce((sum, { quantity }) => sum + quantity, 0)
  const months = Map.groupBy(sales, ({ at }) => at.slice(0, 7))
  return {
    title: titleOf(code, lines),
    firstAt: lines.map(({ at }) => at).toSorted()[0] ?? '',
    isActive: sales.some(({ at }) => at >= '2011-09-11'),
    soldCount: soldBetween('2011-11-10', '2011-12-10'),
    soldBeforeCount: soldBetween('2011-10-11', '2011-11-10'),
    months: [...months.keys()].toSorted().map((month) => {
      const those = months.get(month) ?? []
      const asked = mostFrequent(those.map(({ price }) => price)).map(Number)
      return {
        pence: Math.round(Math.min(...asked) * 100),
        firstAt: those.map(({ at }) => at).toSorted()[0] ?? '',
      }
    }),
  }
}

function titleOf(code: string, lines: readonly Line[]): string {
  const priced = lines.filter(({ price }) => Number(price) > 0)
  const named = (
    priced.length > 0 ? priced : lines.filter((line) => !/[a-z]/.test(line.description))
  )
    .map(({ description }) => description)
    .filter((description) => /[a-z]/i.test(description))
  const [first] = mostFrequent(named)
  return first?.trim().replace(/ +/g, ' ') ?? code
}

/** Those that occur most often, the one seen first in front. */
function mostFrequent(values: readonly string[]): readonly string[] {
  const groups = Map.groupBy(values, (value) => value)
  const most = Math.max(...[...groups.values()].map(({ length }) => length))
  return [...groups].filter(([, { length }]) => length === most).map(([value]) => value)
}
