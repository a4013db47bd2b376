import {
  anyRowTag,
  rowTag,
  tableTag,
  valueTag,
  type Dependencies,
  type Interval,
  type SortColumn,
} from '../cache/dependencies.ts'
import { toldTable, type Resource } from './define-resource.ts'
import type { Filled, Item, Page } from './filled.ts'
import { relevance } from './keyset.ts'
import type { ListQuery, OffsetQuery, Scope } from './list-query.ts'
import type { Selection } from './selection.ts'
import { columnOf } from './column-of.ts'
import type { Table } from './table.ts'

// What an answer was made from, in the names that changes carry. Everything comes from the statement itself or from the
// declaration; what the statement did not tell is named coarsely, which costs hits and never truth.

/** A list, by whom it is asked for and below which item it lives. */
type Place = { readonly table: Table; readonly scope: Scope; readonly parentId?: string }

export function pageDependencies(
  place: Place,
  query: Omit<ListQuery, 'binding'>,
  page: Page,
): Dependencies {
  const { table } = place
  const collection = collectionOf(place)
  const isSearch = query.conditions.some(({ operator }) => operator === 'search')
  const isCounted = query.count !== 'none'
  const interval = isCounted ? undefined : intervalOf(table, query, page)
  const equal = [...fixedValues(place), ...filterValues(table, page.membership)]
  return {
    tags: [
      ...shownTags(place, query.selection, page),
      ...parentTags(place),
      ...(isSearch ? [collection] : []),
    ],
    memberships: isSearch ? [] : [{ collection, equal, ...(interval && { interval }) }],
  }
}

/** A page by number and its total depend on every row that is in the list. */
export function offsetDependencies(place: Place, query: OffsetQuery, page: Filled): Dependencies {
  return {
    tags: shownTags(place, query.selection, page),
    memberships: [{ collection: collectionOf(place), equal: fixedValues(place) }],
  }
}

/** Also of an item that is not there: its row would have that tag. */
export function itemDependencies(
  place: Place & { readonly id: string },
  selection: Selection,
  item: Item,
): Dependencies {
  const own = rowTag(tableName(place.table), place.id)
  return { tags: [...new Set([own, ...shownTags(place, selection, item)])], memberships: [] }
}

/** The names of the tables that were read. */
export function tablesRead(table: Table, { expand }: Selection): readonly string[] {
  const below = Object.entries(expand).flatMap(([name, selection]) =>
    tablesRead(table.related(name).table, selection),
  )
  return [...new Set([tableName(table), ...below])]
}

const tableName = ({ resource }: Table): string => toldTable(resource)

/** The tag of all rows that could be in the list. */
function collectionOf({ table, scope, parentId }: Place): string {
  const { parent } = table.resource
  return parent && parentId !== undefined
    ? valueTag(tableName(table), table.columnName(parent.column), parentId)
    : everyRow(table, scope)
}

/** The tag of all rows that the caller's organisation has in a table. */
function everyRow(table: Table, { organisationId }: Scope): string {
  const { visibility } = table.resource
  return visibility === 'public' || organisationId === undefined
    ? anyRowTag(tableName(table))
    : valueTag(tableName(table), table.columnName(visibility.organisation), organisationId)
}

function parentTags({ table, parentId }: Place): readonly string[] {
  const parent = table.resource.parent?.resource()
  const name = parent && toldTable(parent)
  return name === undefined || parentId === undefined
    ? []
    : [tableTag(name), rowTag(name, parentId)]
}

function shownTags(
  { table, scope }: Place,
  selection: Selection,
  { ids, references }: Pick<Filled, 'ids' | 'references'>,
): readonly string[] {
  const expanded = Object.entries(selection.expand).flatMap(([name, below]) => {
    const { table: child, expansion } = table.related(name)
    const column = child.resource.parent?.column
    const ends =
      expansion.kind === 'one'
        ? (references[name] ?? []).map((key) => rowTag(tableName(child), key))
        : ids.map((id) => valueTag(tableName(child), child.columnName(column ?? ''), id))
    return [...ends, ...deeperTags(child, scope, below)]
  })
  return [
    ...tablesRead(table, selection).map(tableTag),
    ...ids.map((id) => rowTag(tableName(table), id)),
    ...expanded,
    ...(scope.organisationId === undefined ? [] : [organisationTag(scope.organisationId)]),
  ]
}

/** Which rows are shown two deep, the statement does not tell: any of the organisation could be. */
function deeperTags(table: Table, scope: Scope, { expand }: Selection): readonly string[] {
  return Object.entries(expand).flatMap(([name, below]) => {
    const { table: child } = table.related(name)
    return [everyRow(child, scope), ...deeperTags(child, scope, below)]
  })
}

/** Carried by every answer that an organisation was given; only operators send it. */
export const organisationTag = (organisationId: string): string => `@organisation=${organisationId}`

type Values = readonly (readonly [column: string, values: readonly string[]])[]

/** The values that every row of the list has. */
function fixedValues({ table, scope: { memberId } }: Place): Values {
  const { only, visibility } = table.resource
  const member = visibility === 'public' ? undefined : visibility.member
  return [
    ...Object.entries(only).map(
      ([property, value]) => [table.columnName(property), [String(value)]] as const,
    ),
    ...(member !== undefined && memberId !== undefined
      ? [[table.columnName(member), [memberId]] as const]
      : []),
  ]
}

/** The values that were asked for, as PostgreSQL reads them. Of types that write one value in several ways none is told. */
function filterValues(table: Table, membership: Page['membership']): Values {
  return Object.entries(membership).flatMap(([field, value]) => {
    const property = columnOf(table, field)
    const isPlain = /^(text|varchar|uuid|int|integer|bigint|smallint|boolean)\b/.test(
      table.typeOf(property),
    )
    const values = Array.isArray(value) ? value : [value]
    return isPlain ? [[table.columnName(property), values.map(String)] as const] : []
  })
}

/** Where the page lies in its order, as far as orders can be told here: in one direction, without NULLs, of types that
 *  compare alike everywhere, and by columns that do not lag: of those no change tells its place. */
function intervalOf(
  table: Table,
  { sort: name, position }: Omit<ListQuery, 'binding'>,
  { hasMore, firstKey, lastKey }: Page,
): Interval | undefined {
  const sort = table.resource.sorts.find((one) => one.name === name)
  const keys = sort?.keys ?? []
  const isDown = keys[0]?.isDown ?? false
  if (!sort || keys.some((key) => key.isDown !== isDown || key.field === relevance.name)) {
    return undefined
  }
  const sorted = keys.map(({ field }) => columnOf(table, field))
  const properties = [...sorted, ...table.primaryKey.filter((key) => !sorted.includes(key))]
  const columns = properties.map((property) => sortColumn(table, property))
  if (!columns.every((column) => column !== undefined)) {
    return undefined
  }
  const isBack = position?.direction === 'prev'
  const start = position?.key
  const end = hasMore ? (isBack ? firstKey : lastKey) : undefined
  const [first, last] = isBack ? [end, start] : [start, end]
  return { columns, isDown, ...plain('first', first), ...plain('last', last) }
}

function plain(name: 'first' | 'last', key: readonly (string | null)[] | undefined) {
  return key?.every((value) => value !== null) ? { [name]: key } : {}
}

function sortColumn(table: Table, property: string): SortColumn | undefined {
  const type = table.typeOf(property)
  const name = table.columnName(property)
  if (table.isNullable(property) || table.resource.lagging.includes(property)) {
    return undefined
  }
  if (
    /^(uuid)\b/.test(type) ||
    (/^(text|varchar)\b/.test(type) && table.collationOf(property) === 'C')
  ) {
    return { name, type: 'text' }
  }
  if (/^(int|integer|bigint|smallint)\b/.test(type)) {
    return { name, type: 'number' }
  }
  return type.startsWith('timestamptz') ? { name, type: 'instant' } : undefined
}

/** What the change log has to know of every table that is read. */
export function trackedTables(
  tables: ReadonlyMap<Resource, Table>,
): ReadonlyMap<
  string,
  { readonly primaryKey: readonly string[]; readonly scopes: readonly string[] }
> {
  const tracked = new Map<string, { primaryKey: readonly string[]; scopes: readonly string[] }>()
  for (const table of tables.values()) {
    const { visibility, parent } = table.resource
    const scopes = [
      ...(visibility === 'public' ? [] : [visibility.organisation]),
      ...(parent ? [parent.column] : []),
    ].map(table.columnName)
    const known = tracked.get(tableName(table))?.scopes ?? []
    tracked.set(tableName(table), {
      primaryKey: table.primaryKey.map(table.columnName),
      scopes: [...new Set([...known, ...scopes])],
    })
  }
  return tracked
}
