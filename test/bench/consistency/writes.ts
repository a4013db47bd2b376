import { sql, type RawBuilder } from 'kysely'
import type { Dice } from './dice.ts'
import {
  bulkCount,
  bulkOrganisation,
  cells,
  createdAtOf,
  itemId,
  linkId,
  stateOf,
  type Cell,
} from './universe.ts'

/** The statements by which a cell comes to look as it does at a version, whatever it looked like before; by one way or
 *  another, for each of them is told by other triggers. */
export function statementsFor(
  cell: Cell,
  version: number,
  { organisationIds, dice }: { readonly organisationIds: readonly string[]; readonly dice: Dice },
): readonly RawBuilder<unknown>[] {
  const organisationId = organisationIds[cell.organisation] ?? ''
  const { isThere } = stateOf(cell, version)
  const isReplaced = dice.fraction() < 0.25
  if (cell.kind === 'bulk') {
    return [
      sql`update payment_links set description = ${`v${version}`} where organisation_id = ${organisationId}`,
    ]
  }
  if (cell.kind === 'item') {
    const away = sql`delete from payment_link_items where id = ${itemId(cell)}`
    const put = putItem(cell, version, organisationId)
    return isThere ? (isReplaced ? [away, put] : [put]) : [away]
  }
  const id = linkId(cell.organisation, cell.place)
  const away = sql`delete from payment_links where id = ${id}`
  if (!isThere) {
    // what is marked as removed is not shown either
    return isReplaced
      ? [away]
      : [
          sql`update payment_links set deleted_at = now(), description = ${`v${version}`} where id = ${id}`,
        ]
  }
  const put = putLink(cell, version, organisationId)
  return isReplaced && cell.place > 0 ? [away, put] : [put]
}

function putItem(cell: Cell, version: number, organisationId: string): RawBuilder<unknown> {
  return sql`
    insert into payment_link_items
      (id, organisation_id, payment_link_id, position, name, quantity, unit_amount_minor)
    overriding system value
    values (${itemId(cell)}, ${organisationId}, ${linkId(cell.organisation, 0)}, ${cell.place},
            ${`v${version}`}, 1, 100)
    on conflict (id) do update set name = excluded.name`
}

function putLink(cell: Cell, version: number, organisationId: string): RawBuilder<unknown> {
  const { status } = stateOf(cell, version)
  return sql`
    insert into payment_links
      (id, organisation_id, short_code, status, amount_minor, currency, description,
       accepted_assets, fx_set_id, created_at)
    values (${linkId(cell.organisation, cell.place)}, ${organisationId},
            ${`c${cell.organisation}-${cell.place}`}, ${status}, 100, 'GBP', ${`v${version}`},
            '{EUR}', ${linkId(9, 0)}, ${createdAtOf(cell.place)})
    on conflict (id) do update set
      status = excluded.status, description = excluded.description, deleted_at = null`
}

/** What is there at version 0. Links have no frozen rates here, or they could not be deleted. */
export function firstStatements(
  organisationIds: readonly string[],
): readonly RawBuilder<unknown>[] {
  const large = organisationIds[bulkOrganisation] ?? ''
  const begun = cells.filter((cell) => cell.kind !== 'bulk' && stateOf(cell, 0).isThere)
  const base = linkId(bulkOrganisation, 0).slice(0, -4)
  return [
    sql`drop trigger payment_links_four_rates on payment_links`,
    ...begun.map((cell) => {
      const organisationId = organisationIds[cell.organisation] ?? ''
      const put = cell.kind === 'item' ? putItem : putLink
      return put(cell, 0, organisationId)
    }),
    sql`
      insert into payment_links
        (id, organisation_id, short_code, status, currency, description, accepted_assets, fx_set_id)
      select (${base} || lpad(to_hex(${bulkOrganisation * 10_000}::integer + place), 4, '0'))::uuid,
             ${large}, 'b' || place, 'open', 'GBP', 'v0', '{EUR}', ${linkId(9, 0)}
        from generate_series(0, ${bulkCount - 1}::integer) as place`,
  ]
}
