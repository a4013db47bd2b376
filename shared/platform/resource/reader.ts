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
import { itemValues, listValues, shapeKey, shapeOf, type Place } from './shape.ts'
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
  readonly tables: ReadonlyMap<Resource, Table>
}

type Slice = { readonly db: Database; readonly clock: Clock }

/** Looks every resource's table up once, at start-up.
 *  @throws {Error} when a declaration names a column or table that the entities do not have */
export function createReader(slice: Slice, resources: readonly Resource[]): Reader {
  return new TableReader(slice, openTables(slice.db.orm, resources))
}

type Asked = {
  /** In figures and logs: `page products`. */
  readonly label: string
  readonly key: string
  readonly build: (compile: Compile) => RawBuilder<FilledRow>
  readonly values: () => SlotValues
}

class TableReader implements Reader {
  readonly tables: ReadonlyMap<Resource, Table>
  readonly tracked: Reader['tracked']
  readonly #clock: Clock
  readonly #statements: PreparedStatements

  constructor({ db, clock }: Slice, tables: ReadonlyMap<Resource, Table>) {
    this.tables = tables
    this.tracked = trackedTables(tables)
    this.#clock = clock
    this.#statements = new PreparedStatements(db.fork().getKysely())
  }

  page(listing: Listing, query: Omit<ListQuery, 'binding'>): PreparedRead<Page> {
    const table = this.#tableOf(listing.resource)
    const shape = shapeOf(this.#placeOf(listing), query)
    const label = `page ${listing.resource.name}`
    const asked = {
      label,
      key: shapeKey(label, shape),
      build: (compile: Compile) => pageStatement(table, shape, compile),
      values: () => listValues(this.#placeOf(listing), query),
    }
    const { limit, position } = query
    return this.#prepare(
      asked,
      (row) => readPage(row, { limit, direction: position?.direction }),
      (page) => pageDependencies({ ...listing, table }, query, page),
    )
  }

  offsetPage(listing: Listing, query: OffsetQuery): ReturnType<Reader['offsetPage']> {
    const table = this.#tableOf(listing.resource)
    const shape = shapeOf(this.#placeOf(listing), query)
    const label = `offset ${listing.resource.name}`
    const asked = {
      label,
      key: shapeKey(label, shape),
      build: () => offsetStatement(table, shape),
      values: () => listValues(this.#placeOf(listing), query),
    }
    return this.#prepare(asked, readList, (page) =>
      offsetDependencies({ ...listing, table }, query, page),
    )
  }

  item({ resource, scope, id, selection }: Parameters<Reader['item']>[0]): PreparedRead<Item> {
    const table = this.#tableOf(resource)
    const shape = { hasMember: scope.memberId !== undefined, selection }
    const asked = {
      label: `item ${resource.name}`,
      key: JSON.stringify(['item', resource.parent?.resource().name, resource.name, shape]),
      build: () => itemStatement(table, shape),
      values: () => itemValues(this.#placeOf({ resource, scope }), id),
    }
    return this.#prepare(asked, readItem, (item) =>
      itemDependencies({ table, scope, id }, selection, item),
    )
  }

  parseId(resource: Resource, id: unknown): string | undefined {
    const [key = ''] = this.#tableOf(resource).primaryKey
    const parsed = resource.fields[key]?.parameter?.safeParse(id)
    return parsed?.success ? parsed.data : undefined
  }

  #tableOf(resource: Resource): Table {
    const table = this.tables.get(resource)
    if (!table) {
      throw new Error(`${resource.name} is not in the list of resources`)
    }
    return table
  }

  #placeOf({ resource, scope, parentId }: Listing): Place {
    const parent = resource.parent && {
      table: this.#tableOf(resource.parent.resource()),
      id: parentId ?? '',
    }
    return { scope, at: this.#clock.now().toISOString(), ...(parent && { parent }) }
  }

  #prepare<Found>(
    { label, key, build, values }: Asked,
    read: (row: FilledRow) => Found,
    dependenciesOf: (found: Found) => Dependencies,
  ): PreparedRead<Found> {
    const statements = this.#statements
    return {
      digest: statements.digest(key, build),
      async run(runner) {
        const [row] = await runner.read({ ...statements.get(key, build, values()), label })
        return read(row ?? noRow())
      },
      dependenciesOf,
    }
  }
}

function noRow(): never {
  throw new Error('a statement that always gives a row gave none')
}
