import type { RawBuilder } from 'kysely'
import type { Dependencies } from '../cache/dependencies.ts'
import type { Clock } from '../clock.ts'
import type { Database, PreparedRunner } from '../database/database.ts'
import type { Resource } from './define-resource.ts'
import type { ListQuery, OffsetQuery, Scope } from './list-query.ts'
import {
  itemDependencies,
  offsetDependencies,
  pageDependencies,
  trackedTables,
} from './dependencies.ts'
import { PreparedStatements, type Compile, type SlotValues } from './prepared.ts'
import type { Selection } from './selection.ts'
import { itemValues, listValues, shapeKey, shapeOf } from './shape.ts'
import { readItem, readList, readPage, type Filled, type Item, type Page } from './filled.ts'
import { itemStatement, offsetStatement, pageStatement, type FilledRow } from './statements.ts'
import { openTables, type Table } from './table.ts'

/** A list, by whom it is asked for and below which item it lives. */
export type Listing = {
  readonly resource: Resource
  readonly scope: Scope
  readonly parentId?: string
}

/** One read, ready to run; the same question may be asked again and again. */
export type PreparedRead<Found> = {
  /** Names the text of its statement: versions of the product that read differently differ in it. */
  readonly digest: string
  /** One statement, on the pool or in the transaction that is given, as of now. */
  run(runner: PreparedRunner): Promise<Found>
  /** What an answer was made from. */
  dependenciesOf(found: Found): Dependencies
}

/** Reads declared resources, each in one statement. */
export type Reader = {
  page(listing: Listing, query: Omit<ListQuery, 'binding'>): PreparedRead<Page>
  offsetPage(
    listing: Listing,
    query: OffsetQuery,
  ): PreparedRead<Filled & { readonly total: number }>
  item(
    item: Pick<Listing, 'resource' | 'scope'> & { id: string; selection: Selection },
  ): PreparedRead<Item>
  /** The id in the form in which it is stored; undefined for what can be no id of this resource. */
  parseId(resource: Resource, id: unknown): string | undefined
  /** What the change log has to know of every table that is read. */
  readonly tracked: ReturnType<typeof trackedTables>
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

  type Asked = {
    readonly key: string
    readonly build: (compile: Compile) => RawBuilder<FilledRow>
    readonly values: () => SlotValues
  }

  function prepare<Found>(
    { key, build, values }: Asked,
    read: (row: FilledRow) => Found,
    dependenciesOf: (found: Found) => Dependencies,
  ): PreparedRead<Found> {
    return {
      digest: statements.digest(key, build),
      async run(runner) {
        const [row] = await runner.read(statements.get(key, build, values()))
        return read(row ?? noRow())
      },
      dependenciesOf,
    }
  }

  return {
    page(listing, query) {
      const table = tableOf(listing.resource)
      const shape = shapeOf(placeOf(listing), query)
      const asked = {
        key: shapeKey(`page ${listing.resource.name}`, shape),
        build: (compile: Compile) => pageStatement(table, shape, compile),
        values: () => listValues(placeOf(listing), query),
      }
      const { limit, position } = query
      return prepare(
        asked,
        (row) => readPage(row, { limit, direction: position?.direction }),
        (page) => pageDependencies({ ...listing, table }, query, page),
      )
    },
    offsetPage(listing, query) {
      const table = tableOf(listing.resource)
      const shape = shapeOf(placeOf(listing), query)
      const asked = {
        key: shapeKey(`offset ${listing.resource.name}`, shape),
        build: () => offsetStatement(table, shape),
        values: () => listValues(placeOf(listing), query),
      }
      return prepare(asked, readList, (page) =>
        offsetDependencies({ ...listing, table }, query, page),
      )
    },
    item({ resource, scope, id, selection }) {
      const table = tableOf(resource)
      const shape = { hasMember: scope.memberId !== undefined, selection }
      const asked = {
        key: JSON.stringify(['item', resource.parent?.resource().name, resource.name, shape]),
        build: () => itemStatement(table, shape),
        values: () => itemValues(placeOf({ resource, scope }), id),
      }
      return prepare(asked, readItem, (item) =>
        itemDependencies({ table, scope, id }, selection, item),
      )
    },
    parseId(resource, id) {
      const [key = ''] = tableOf(resource).primaryKey
      const parsed = resource.fields[key]?.parameter?.safeParse(id)
      return parsed?.success ? parsed.data : undefined
    },
    tracked: trackedTables(tables),
  }
}

function noRow(): never {
  throw new Error('a statement that always gives a row gave none')
}
