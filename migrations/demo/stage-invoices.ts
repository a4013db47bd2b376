import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'
import { getColumn, readColumns } from './packed.ts'

/** The lines of the published file, added up by invoice: columns of the same length, as SQL's unnest takes them. */
export type Invoices = {
  readonly references: readonly string[]
  /** The earliest time of the invoice's lines, as published, without a zone. */
  readonly times: readonly string[]
  /** Thousandths of a pound; negative for what was given back. */
  readonly totals: readonly number[]
  /** As published: `17850.0`, or nothing. */
  readonly customers: readonly string[]
  readonly countries: readonly string[]
}

type Sum = { at: string; total: number; customer: string; readonly country: string }

/** Adds up the 541,909 lines here rather than in PostgreSQL, which meanwhile loads the rates: prices have at most three
 *  decimals, so thousandths are exact. Costs about 1 s, half of it for unpacking.
 *  @throws {Error} when a price has more decimals */
export async function readInvoices(): Promise<Invoices> {
  const table = await readColumns('online-retail')
  const [references, times, quantities, prices, customers, countries] = [
    'InvoiceNo',
    'InvoiceDate',
    'Quantity',
    'UnitPrice',
    'CustomerID',
    'Country',
  ].map((name) => getColumn(table, name).split('\n'))
  const sums = new Map<string, Sum>()
  for (const [line, reference] of (references ?? []).entries()) {
    const at = times?.[line] ?? ''
    const customer = customers?.[line] ?? ''
    const total = Number(quantities?.[line]) * thousandths(prices?.[line] ?? '')
    const sum = sums.get(reference)
    if (sum === undefined) {
      sums.set(reference, { at, total, customer, country: countries?.[line] ?? '' })
    } else {
      sum.total += total
      sum.at = at < sum.at ? at : sum.at
      sum.customer = customer > sum.customer ? customer : sum.customer
    }
  }
  const rows = [...sums.values()]
  return {
    references: [...sums.keys()],
    times: rows.map(({ at }) => at),
    totals: rows.map(({ total }) => total),
    customers: rows.map(({ customer }) => customer),
    countries: rows.map(({ country }) => country),
  }
}

function thousandths(price: string): number {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d{1,3}))?$/.exec(price) ?? []
  if (whole === '') {
    throw new Error(`the price ${price} is not a decimal of at most three places`)
  }
  return Number(`${sign}${whole}${fraction.padEnd(3, '0')}`)
}

/**
 * Fills the temporary table `demo_invoices`, one row per invoice: `reference`, `number` and `series` of it, `created_at`
 * (its earliest time, taken as UTC), `customer` (null when unknown), `country`, `amount_minor` (pence, rounded half to
 * even, without sign; null when that is nothing) and `status`. The rules are tried in this order:
 *  1. `C…`, or a total below zero: `cancelled`, also if the total is nothing;
 *  2. a total of nothing: `draft`;
 *  3. of 2011-12-08 or later: `open`;
 *  4. every other one: `paid`, among them the one adjustment in our favour, A563185.
 */
export async function stageInvoices(db: Runner, invoices: Invoices): Promise<void> {
  await db.run(sql`
    create temporary table demo_invoices on commit drop as
    with invoices as (
      select reference, country, at::timestamp at time zone 'UTC' as created_at,
             -- published as a float: 17850.0
             split_part(customer, '.', 1) as customer,
             round_half_even(total / 10.0, 0) as total_minor
        from unnest(${[...invoices.references]}::text[], ${[...invoices.times]}::text[],
                    ${[...invoices.totals]}::bigint[], ${[...invoices.customers]}::text[],
                    ${[...invoices.countries]}::text[]) as invoice (reference, at, total, customer, country)
    )
    select reference, created_at, country,
           right(reference, 6)::integer as number,
           left(reference, -6) as series,
           nullif(customer, '') as customer,
           nullif(abs(total_minor), 0)::bigint as amount_minor,
           case when reference like 'C%' or total_minor < 0 then 'cancelled'
                when total_minor = 0 then 'draft'
                when created_at >= '2011-12-08T00:00:00Z' then 'open'
                else 'paid' end as status
      from invoices`)
  await db.run(sql`analyze demo_invoices`)
}

/** Makes a member of every customer: known by number only, there since their first invoice, last seen at their last. */
export async function loadMembers(db: Runner, organisationId: string): Promise<void> {
  await db.run(sql`
    with customers as (
      select customer, min(created_at) as first_at, max(created_at) as last_at
        from demo_invoices
       where customer is not null
       group by customer
       order by first_at, customer
    ), made as (
      insert into members (id, organisation_id, email, name, last_active_at, created_at, updated_at)
      select uuid_v7(first_at), ${organisationId}::uuid, 'customer-' || customer || '@customers.invalid',
             'Customer ' || customer, last_at, first_at, first_at
        from customers
      returning id
    )
    insert into member_roles (member_id, role) select id, 'customer' from made`)
}
