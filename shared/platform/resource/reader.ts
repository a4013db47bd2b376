import type { Clock } from '../clock.ts'
import type { Database, PreparedRunner } from '../database/database.ts'
import type { FilledRow } from './beside.ts'
import type { Resource } from './define-resource.ts'
import type { Count, ListQuery, OffsetQuery, Scope } from './list-query.ts'
import { PreparedStatements } from './prepared.ts'
import type { Selection } from './selection.ts'
import { itemValues, listValues, shapeKey, shapeOf } from './shape.ts'
import { itemStatement, offsetStatement, pageStatement, type PageRow } from './statements.ts'
import { openTables, type Table } from './table.ts'

/** A list, by whom it is asked for and below which item it lives. */
export type Listing = {
  readonly resource: Resource
  readonly scope: Scope
  readonly parentId?: string
}

/** An answer, and what its entry in a cache needs to know; both from one statement, whatever fields were asked for. */
export type Filled = {
  /** JSON text. */
  readonly body: string
  /** Primary keys of every row that the answer depends on, also of the one beyond the page. */
  readonly ids: readonly string[]
  /** For each expansion to one: the keys that the rows name. */
  readonly references: Readonly<Record<string, readonly string[]>>
  /** RFC 3339: the instant at which the clock alone makes the answer untrue. */
  readonly validUntil?: string
}

export type Page = Filled & {
  readonly hasMore: boolean
  /** Sort key of the first row as text, the primary key last; absent when there is no way on from there. */
  readonly firstKey?: SortKeyText
  readonly lastKey?: SortKeyText
  readonly total?: number
  /** The equality filters as PostgreSQL reads them, as JSON. */
  readonly membership: string
  readonly isParentFound: boolean
}

export type SortKeyText = readonly (string | null)[]

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
      return readPage(row ?? noRow(), query.count)
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
      const found = row ?? noRow()
      return { ...readFilled(found), total: Number(found.total) }
    },
    async item(runner, { resource, scope, id, selection }) {
      const table = tableOf(resource)
      const shape = { hasMember: scope.memberId !== undefined, selection }
      const key = JSON.stringify(['item', resource.name, shape])
      const values = itemValues(placeOf({ resource, scope }), id)
      const [row] = await runner.read(
        statements.get(key, () => itemStatement(table, shape), values),
      )
      return row && readFilled(row)
    },
    parseId(resource, id) {
      const [key = ''] = tableOf(resource).primaryKey
      const parsed = resource.fields[key]?.parameter?.safeParse(id)
      return parsed?.success ? parsed.data : undefined
    },
  }
}

function readFilled({ body, ids, references, valid_until: validUntil }: FilledRow): Filled {
  return {
    body,
    ids: keysOf(ids),
    references: mapValues(references ?? {}, (text) => [...new Set(keysOf(text))]),
    ...(validUntil !== null && { validUntil }),
  }
}

function readPage(row: PageRow, count: Count): Page {
  const { first_key: firstKey, last_key: lastKey, total } = row
  return {
    ...readFilled(row),
    hasMore: row.has_more,
    membership: row.membership,
    isParentFound: row.parent_found,
    ...(firstKey !== null && { firstKey: parseKey(firstKey) }),
    ...(lastKey !== null && { lastKey: parseKey(lastKey) }),
    ...(count !== 'none' && { total: Number(total) }),
  }
}

const keysOf = (text: string | null): readonly string[] => text?.split(',') ?? []

function mapValues<From, To>(
  of: Readonly<Record<string, From>>,
  change: (from: From) => To,
): Readonly<Record<string, To>> {
  return Object.fromEntries(Object.entries(of).map(([name, value]) => [name, change(value)]))
}

function parseKey(text: string): SortKeyText {
  const key: unknown = JSON.parse(text)
  return Array.isArray(key) ? key.map((one) => (one === null ? null : String(one))) : []
}

function noRow(): never {
  throw new Error('a statement that always gives a row gave none')
}
