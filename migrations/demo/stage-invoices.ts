import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'
import { getColumn, readColumns } from './packed.ts'

/**
 * Fills the temporary table `demo_invoices`, one row per invoice of the published file:
 * `reference`, `number` and `series` of it, `created_at` (the earliest time of its lines, taken as UTC), `customer`
 * (null when unknown), `country`, `amount_minor` (pence, rounded half to even, without sign; null when that is nothing)
 * and `status`. The rules are tried in this order:
 *  1. `C…`, or a total below zero: `cancelled`, also if the total is nothing;
 *  2. a total of nothing: `draft`;
 *  3. of 2011-12-08 or later: `open`;
 *  4. every other one: `paid`, among them the one adjustment in our favour, A563185.
 * Costs about 1.5 s.
 */
export async function stageInvoices(db: Runner): Promise<void> {
  const lines = await readColumns('online-retail')
  await db.run(sql`
    create temporary table demo_invoices on commit drop as
    with lines as (
      select *
        from unnest(string_to_array(${getColumn(lines, 'InvoiceNo')}, E'\n'),
                    string_to_array(${getColumn(lines, 'InvoiceDate')}, E'\n'),
                    string_to_array(${getColumn(lines, 'Quantity')}, E'\n')::integer[],
                    string_to_array(${getColumn(lines, 'UnitPrice')}, E'\n')::numeric[],
                    string_to_array(${getColumn(lines, 'CustomerID')}, E'\n'),
                    string_to_array(${getColumn(lines, 'Country')}, E'\n'))
             as line (reference, at, quantity, unit_price, customer, country)
    ), invoices as (
      select reference,
             min(at)::timestamp at time zone 'UTC' as created_at,
             -- published as a float: 17850.0
             split_part(max(customer), '.', 1) as customer,
             min(country) as country,
             round_half_even(sum(quantity * unit_price), 2) * 100 as total_minor
        from lines
       group by reference
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
