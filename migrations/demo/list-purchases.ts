import type { OrderLines } from './order-lines.ts'

/** Who bought what and when, in the order of the file: columns of the same length, as SQL's unnest takes them. */
export type Purchases = {
  readonly codes: readonly string[]
  /** Numbers of customers, without the `.0` that is published. */
  readonly customers: readonly string[]
  /** `YYYY-MM-DD HH:MM:SS`, without a zone. */
  readonly times: readonly string[]
}

/** The lines that are purchases: with a known customer and a quantity above zero, of an invoice that was not cancelled. */
export function listPurchases(lines: OrderLines): Purchases {
  const codes: string[] = []
  const customers: string[] = []
  const times: string[] = []
  for (const [line, customer] of lines.customers.entries()) {
    const isSale = (lines.quantities[line] ?? 0) > 0 && !lines.invoices[line]?.startsWith('C')
    if (customer !== '' && isSale) {
      codes.push(lines.codes[line] ?? '')
      customers.push(customer.split('.', 1)[0] ?? '')
      times.push(lines.times[line] ?? '')
    }
  }
  return { codes, customers, times }
}
