import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'
import type { OrderLines } from './order-lines.ts'

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

/** Adds up the lines here rather than in PostgreSQL, which meanwhile loads the rates. */
export function sumInvoices(lines: OrderLines): Invoices {
  const { times, customers, countries } = lines
  const sums = new Map<string, Sum>()
  for (const [line, reference] of lines.invoices.entries()) {
    const at = times[line] ?? ''
    const customer = customers[line] ?? ''
    const total = (lines.quantities[line] ?? 0) * (lines.prices[line] ?? 0)
    const sum = sums.get(reference)
    if (sum === undefined) {
      sums.set(reference, { at, total, customer, country: countries[line] ?? '' })
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
