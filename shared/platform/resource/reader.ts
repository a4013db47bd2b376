import type { Database, PreparedRunner } from '../database/database.ts'
import type { Resource } from './define-resource.ts'
import type { ListQuery, OffsetQuery, Scope } from './list-query.ts'
import { PreparedStatements } from './prepared.ts'
import {
  itemStatement,
  itemValues,
  listValues,
  offsetStatement,
  pageStatement,
  shapeKey,
  shapeOf,
  type PageRow,
} from './statements.ts'
import { openTable, type Table } from './table.ts'

/** A list, by whom it is asked for and below which item it lives. */
export type Listing = {
  readonly resource: Resource
  readonly scope: Scope
  readonly parentId?: string
}

/** Reads declared resources; each call is one statement, on the pool or in the transaction that is given. */
export type Reader = {
  page(runner: PreparedRunner, listing: Listing, query: ListQuery): Promise<PageRow>
  offsetPage(
    runner: PreparedRunner,
    listing: Listing,
    query: OffsetQuery,
  ): Promise<{ readonly body: string; readonly total: number }>
  /** The item as JSON text; undefined when there is none, or none for this caller. */
  item(
    runner: PreparedRunner,
    item: Pick<Listing, 'resource' | 'scope'> & { id: string; fields?: readonly string[] },
  ): Promise<string | undefined>
  /** The id in the form in which it is stored; undefined for what can be no id of this resource. */
  parseId(resource: Resource, id: unknown): string | undefined
}

/** Looks every resource's table up once, at start-up.
 *  @throws {Error} when a resource names a column or table that the entities do not have */
export function createReader(db: Database, resources: readonly Resource[]): Reader {
  const tables = new Map(resources.map((resource) => [resource, openTable(db.orm, resource)]))
  const statements = new PreparedStatements(db.fork().getKysely())

  function tableOf(resource: Resource): Table {
    const table = tables.get(resource)
    if (!table) {
      throw new Error(`${resource.name} is not in the list of resources`)
    }
    return table
  }

  function placeOf({ resource, scope, parentId }: Listing) {
    const parent = resource.parent && {
      table: tableOf(resource.parent.resource),
      id: parentId ?? '',
    }
    return { scope, ...(parent && { parent }) }
  }

  return {
    async page(runner, listing, query) {
      const table = tableOf(listing.resource)
      const place = placeOf(listing)
      const shape = shapeOf(place, query)
      const key = shapeKey(`page ${listing.resource.name}`, shape)
      const values = listValues(place, query)
      const [row] = await runner.read(
        statements.get(key, () => pageStatement(table, shape), values),
      )
      return row ?? noRow()
    },
    async offsetPage(runner, listing, query) {
      const table = tableOf(listing.resource)
      const place = placeOf(listing)
      const shape = shapeOf(place, query)
      const key = shapeKey(`offset ${listing.resource.name}`, shape)
      const values = listValues(place, query)
      const [row] = await runner.read(
        statements.get(key, () => offsetStatement(table, shape), values),
      )
      const { body, total } = row ?? noRow()
      return { body, total: Number(total) }
    },
    async item(runner, { resource, scope, id, fields }) {
      const table = tableOf(resource)
      const shape = { hasMember: scope.memberId !== undefined, ...(fields && { fields }) }
      const key = JSON.stringify(['item', resource.name, shape])
      const [row] = await runner.read(
        statements.get(key, () => itemStatement(table, shape), itemValues(scope, id)),
      )
      return row?.body
    },
    parseId(resource, id) {
      const parsed = resource.fields[tableOf(resource).primaryKey]?.parameter?.safeParse(id)
      return parsed?.success ? parsed.data : undefined
    },
  }
}

function noRow(): never {
  throw new Error('a statement that always gives a row gave none')
}
