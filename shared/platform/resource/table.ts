import type { MikroORM } from '@mikro-orm/postgresql'
import { sql, type RawBuilder } from 'kysely'
import { toldTable, type Resource } from './define-resource.ts'
import type { Expansion } from './expansion.ts'
import { verify } from './verify.ts'

/** A resource joined with what the database knows of its table: names and types of the columns. */
export type Table = {
  readonly resource: Resource
  /** Properties of the primary key, in its order. */
  readonly primaryKey: readonly string[]
  readonly from: (alias: string) => RawBuilder<unknown>
  /** The table that decides which rows there are: the same, or the one that a view is of. */
  readonly toldFrom: (alias: string) => RawBuilder<unknown>
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
    toldFrom: (alias) => sql`${sql.table(toldTable(resource))} as ${sql.ref(alias)}`,
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
