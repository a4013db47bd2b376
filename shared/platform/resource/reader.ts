import type { Clock } from '../clock.ts'
import type { Database, PreparedRunner } from '../database/database.ts'
import type { Resource } from './define-resource.ts'
import type { ListQuery, OffsetQuery, Scope } from './list-query.ts'
import { PreparedStatements } from './prepared.ts'
import type { Selection } from './selection.ts'
import { itemValues, listValues, shapeKey, shapeOf } from './shape.ts'
import { readItem, readList, readPage, type Filled, type Page } from './filled.ts'
import { itemStatement, offsetStatement, pageStatement } from './statements.ts'
import { openTables, type Table } from './table.ts'

/** A list, by whom it is asked for and below which item it lives. */
export type Listing = {
  readonly resource: Resource
  readonly scope: Scope
  readonly parentId?: string
}

/** Reads declared resources; each call is one statement, on the pool or in the transaction that is given. */
export type Reader = {
  page(runner: PreparedRunner, listing: Listing, query: Omit<ListQuery, 'binding'>): Promise<Page>
  offsetPage(
    runner: PreparedRunner,
    listing: Listing,
    query: OffsetQuery,
  ): Promise<Filled & { readonly total: number }>
  /** The item; undefined when there is none, or none for this caller. */
  item(
    runner: PreparedRunner,
    item: Pick<Listing, 'resource' | 'scope'> & { id: string; selection: Selection },
  ): Promise<Filled | undefined>
  /** The id in the form in which it is stored; undefined for what can be no id of this resource. */
  parseId(resource: Resource, id: unknown): string | undefined
}

type Slice = { readonly db: Database; readonly clock: Clock }

/** Looks every resource's table up once, at start-up.
 *  @throws {Error} when a declaration names a column or table that the entities do not have */
export function createReader({ db, clock }: Slice, resources: readonly Resource[]): Reader {
  const tables = openTables(db.orm, resources)
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
      table: tableOf(resource.parent.resource()),
      id: parentId ?? '',
    }
    return { scope, at: clock.now().toISOString(), ...(parent && { parent }) }
  }

  return {
    async page(runner, listing, query) {
      const table = tableOf(listing.resource)
      const place = placeOf(listing)
      const shape = shapeOf(place, query)
      const key = shapeKey(`page ${listing.resource.name}`, shape)
      const values = listValues(place, query)
      const [row] = await runner.read(
        statements.get(key, (compile) => pageStatement(table, shape, compile), values),
      )
      return readPage(row ?? noRow(), { limit: query.limit, direction: query.position?.direction })
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
      return readList(row ?? noRow())
    },
    async item(runner, { resource, scope, id, selection }) {
      const table = tableOf(resource)
      const shape = { hasMember: scope.memberId !== undefined, selection }
      const key = JSON.stringify(['item', resource.parent?.resource().name, resource.name, shape])
      const values = itemValues(placeOf({ resource, scope }), id)
      const [row] = await runner.read(
        statements.get(key, () => itemStatement(table, shape), values),
      )
      return readItem(row ?? noRow())
    },
    parseId(resource, id) {
      const [key = ''] = tableOf(resource).primaryKey
      const parsed = resource.fields[key]?.parameter?.safeParse(id)
      return parsed?.success ? parsed.data : undefined
    },
  }
}

function noRow(): never {
  throw new Error('a statement that always gives a row gave none')
}
