import { readColumns } from '../../migrations/demo/packed.ts'

// The published files read once more, with arithmetic of its own: what the seed says in SQL is said here in bigint.

export type Invoice = {
  readonly status: 'paid' | 'open' | 'cancelled' | 'draft'
  /** Pence; null when the invoice adds up to nothing. */
  readonly amountMinor: bigint | null
  /** `YYYY-MM-DD HH:MM:SS`, UTC. */
  readonly at: string
  readonly customer: string
  readonly country: string
}

export async function readInvoices(): Promise<ReadonlyMap<string, Invoice>> {
  const table = await readColumns('online-retail')
  const column = (name: string): readonly string[] => table.get(name)?.split('\n') ?? []
  const [times, quantities, prices] = [
    column('InvoiceDate'),
    column('Quantity'),
    column('UnitPrice'),
  ]
  const [customers, countries] = [column('CustomerID'), column('Country')]
  const sums = new Map<
    string,
    { thousandths: bigint; at: string; customer: string; country: string }
  >()
  for (const [line, reference] of column('InvoiceNo').entries()) {
    const at = times[line] ?? ''
    const sum = sums.get(reference) ?? {
      thousandths: 0n,
      at,
      customer: (customers[line] ?? '').replace(/\.0$/, ''),
      country: countries[line] ?? '',
    }
    sum.thousandths += BigInt(quantities[line] ?? '') * toThousandths(prices[line] ?? '')
    sum.at = at < sum.at ? at : sum.at
    sums.set(reference, sum)
  }
  const invoices = [...sums].map(([reference, { thousandths, ...rest }]) => {
    const pence = divideHalfEven(thousandths, 10n)
    const amountMinor = pence === 0n ? null : pence < 0n ? -pence : pence
    return [
      reference,
      { ...rest, amountMinor, status: statusOf(reference, pence, rest.at) },
    ] as const
  })
  return new Map(invoices)
}

function statusOf(reference: string, pence: bigint, at: string): Invoice['status'] {
  if (reference.startsWith('C') || pence < 0n) {
    return 'cancelled'
  }
  if (pence === 0n) {
    return 'draft'
  }
  return at >= '2011-12-08' ? 'open' : 'paid'
}

/** `2.55`, `11062.06`, `-11062.06`, `0.001`, `5`. */
function toThousandths(price: string): bigint {
  const [, sign, whole = '', fraction = ''] = /^(-?)([0-9]+)\.?([0-9]{0,3})$/.exec(price) ?? []
  return BigInt(`${sign}${whole}${fraction.padEnd(3, '0')}`)
}

/** The published digits of a day: currency by currency, by day, newest day first as in the file. */
export async function readRates(): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  const table = await readColumns('eurofxref-hist')
  const days = (table.get('Date') ?? '').split('\n')
  const byDay = new Map(days.map((day) => [day, new Map<string, string>()]))
  for (const [currency, column] of table) {
    if (currency === 'Date' || currency === '') {
      continue
    }
    for (const [position, rate] of column.split('\n').entries()) {
      if (rate !== 'N/A') {
        byDay.get(days[position] ?? '')?.set(currency, rate)
      }
    }
  }
  return byDay
}

/** Rounds the exact quotient half to even. */
export function divideHalfEven(dividend: bigint, divisor: bigint): bigint {
  const isNegative = dividend < 0n !== divisor < 0n
  const [n, d] = [dividend < 0n ? -dividend : dividend, divisor < 0n ? -divisor : divisor]
  const [quotient, twice] = [n / d, (n % d) * 2n]
  const up = twice > d || (twice === d && quotient % 2n === 1n) ? 1n : 0n
  return isNegative ? -(quotient + up) : quotient + up
}

/** A decimal as an integer of 10^-scale. */
export function scaled(decimal: string, scale: number): bigint {
  const [whole = '', fraction = ''] = decimal.split('.')
  return BigInt(whole + fraction.padEnd(scale, '0'))
}
