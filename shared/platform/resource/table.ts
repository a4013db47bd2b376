import type { MikroORM } from '@mikro-orm/postgresql'
import { sql, type RawBuilder } from 'kysely'
import { cacheSecondsMax, type Resource } from './define-resource.ts'
import type { Expansion } from './expansion.ts'
import { plainSorts } from './sort.ts'

/** A resource joined with what the database knows of its table: names and types of the columns. */
export type Table = {
  readonly resource: Resource
  /** Properties of the primary key, in its order. */
  readonly primaryKey: readonly string[]
  readonly from: (alias: string) => RawBuilder<unknown>
  readonly columnName: (property: string) => string
  /** An expression cast to the type of the column, whatever its length, or with `[]` to an array of it. */
  readonly cast: (
    property: string,
    expression: RawBuilder<unknown>,
    suffix?: '[]',
  ) => RawBuilder<unknown>
  readonly typeOf: (property: string) => string
  readonly isNullable: (property: string) => boolean
  readonly collationOf: (property: string) => string | undefined
  /** The other end of an expansion. */
  readonly related: (name: string) => Related
}

export type Related = {
  readonly table: Table
  readonly expansion: Expansion
}

/** Looks up the table of every resource that is listed, and of those that they expand to or live below.
 *  @throws {Error} when a declaration asks for what the entities do not have */
export function openTables(
  orm: MikroORM,
  resources: readonly Resource[],
): ReadonlyMap<Resource, Table> {
  const tables = new Map<Resource, Table>()
  const open = (resource: Resource): void => {
    if (!tables.has(resource)) {
      tables.set(resource, openTable(orm, resource, tables))
      Object.values(resource.expand).forEach((expansion) => open(expansion.resource()))
      if (resource.parent) {
        open(resource.parent.resource())
      }
    }
  }
  resources.forEach(open)
  tables.forEach(verify)
  return tables
}

function openTable(orm: MikroORM, resource: Resource, tables: ReadonlyMap<Resource, Table>): Table {
  const meta = orm.getMetadata().get(resource.entity)
  const property = (name: string) => {
    const found = Object.entries(meta.properties).find(([key]) => key === name)?.[1]
    const [fieldName] = found?.fieldNames ?? []
    const [columnType] = found?.columnTypes ?? []
    if (!found || !fieldName || !columnType) {
      throw new Error(`${meta.className} has no column for ${name}`)
    }
    const { nullable: isNullable = false, collation } = found
    return { fieldName, columnType, isNullable, collation }
  }
  return {
    resource,
    primaryKey: meta.primaryKeys,
    from: (alias) => sql`${sql.table(meta.tableName)} as ${sql.ref(alias)}`,
    columnName: (name) => property(name).fieldName,
    cast: (name, expression, suffix) =>
      sql`${expression}::${sql.raw(unbounded(property(name).columnType) + (suffix ?? ''))}`,
    typeOf: (name) => property(name).columnType,
    isNullable: (name) => property(name).isNullable,
    collationOf: (name) => property(name).collation,
    related(name) {
      const expansion = resource.expand[name]
      const table = expansion && tables.get(expansion.resource())
      if (!expansion || !table) {
        throw new Error(`${resource.name} has no expansion ${name}`)
      }
      return { table, expansion }
    },
  }
}

/** The type without its length or scale: a cast to `varchar(10)` would cut a longer value off, and find the row that has
 *  its beginning; one to `numeric(9,2)` would round it. */
function unbounded(columnType: string): string {
  return columnType.replace(/\([^()]*\)/, '').replace(/^char(acter)?(?![\w ])/, 'bpchar')
}

/** What the compiler cannot see, found at start-up rather than by the first caller. */
function verify(table: Table): void {
  const { resource, primaryKey } = table
  const { name, visibility, removedAt, only, boundary, search, parent } = resource
  const fail = (what: string): never => {
    throw new Error(`the declaration of ${name}: ${what}`)
  }
  const tenancy = visibility === 'public' ? [] : [visibility.organisation, visibility.member]
  const columns = [
    ...Object.values(resource.fields).flatMap((field) => field.columns),
    ...Object.keys(only),
    ...tenancy,
    removedAt,
    boundary.from,
    boundary.until,
    search?.vector,
    search?.similar,
    parent?.column,
  ]
  columns.forEach((column) => column !== undefined && table.columnName(column))
  if (resource.operations === 'list-and-detail' && primaryKey.length > 1) {
    fail('a detail needs a primary key of one column')
  }
  for (const sort of resource.sorts) {
    for (const { field } of sort.keys) {
      const column = field === 'relevance' ? undefined : columnOf(table, field)
      if (column !== undefined && table.isNullable(column) && !sort.nulls) {
        fail(`${field} may be NULL, so the sort ${sort.name} must say where its NULLs stand`)
      }
      if (column === undefined && !search) {
        fail('only a search has relevance')
      }
    }
  }
  verifyCache(resource, fail)
  verifyFields(table, fail)
  verifyFilters(table, fail)
  verifyExpansions(table, fail)
}

function verifyCache({ cache }: Resource, fail: (what: string) => never): void {
  if (typeof cache !== 'string') {
    const { listSeconds, itemSeconds, staleSeconds } = cache
    if (Math.max(listSeconds, itemSeconds) + staleSeconds > cacheSecondsMax) {
      fail(`no answer is kept for more than ${cacheSecondsMax} s, for changes are not kept longer`)
    }
  }
}

/** Without the word the JSON of a whole row would be NULL, and the row would be missing from its page. */
function verifyFields(table: Table, fail: (what: string) => never): void {
  for (const [name, { columns, isNullable }] of Object.entries(table.resource.fields)) {
    if (!isNullable && columns.some(table.isNullable)) {
      fail(`the field ${name} may be NULL, so it must say nullable`)
    }
  }
}

function verifyFilters(table: Table, fail: (what: string) => never): void {
  const { resource } = table
  for (const [field, kind] of Object.entries(resource.filters)) {
    if (!resource.fields[field]?.parameter) {
      fail(`${field} has no form in a query, so nothing can be filtered by it`)
    }
    if (kind === 'prefix' && table.collationOf(columnOf(table, field)) !== 'C') {
      fail(`a prefix of ${field} is a range only under the C collation`)
    }
  }
  if (plainSorts(resource.sorts).length === 0 && !resource.filtersRequired.includes('q')) {
    fail('a list that is only sorted by relevance needs the filter q')
  }
}

function verifyExpansions(table: Table, fail: (what: string) => never): void {
  const { resource, primaryKey } = table
  for (const key of Object.keys(resource.expand)) {
    const { table: child, expansion } = table.related(key)
    const { name, parent, sorts } = child.resource
    if (expansion.kind === 'one') {
      table.columnName(expansion.column)
      if (child.primaryKey.length > 1) {
        fail(`${key} expands to one of ${name}, whose primary key has several columns`)
      }
    } else if (parent?.resource() !== resource || primaryKey.length > 1) {
      fail(`${key} expands to ${name}, which is no list below it`)
    } else if (plainSorts([sorts[0]]).length === 0) {
      fail(`${key} expands to ${name}, whose first sort needs a search`)
    }
  }
}

/** The column that a field is filtered and sorted by.  @throws {Error} when there is no such field */
export function columnOf(table: Table, field: string): string {
  const [property] = table.resource.fields[field]?.columns ?? []
  if (property === undefined) {
    throw new Error(`${table.resource.name} has no field ${field}`)
  }
  return property
}
