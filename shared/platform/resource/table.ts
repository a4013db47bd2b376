import type { MikroORM } from '@mikro-orm/postgresql'
import { sql, type RawBuilder } from 'kysely'
import type { Resource } from './define-resource.ts'

/** A resource joined with what the database knows of its table: names and types of the columns. */
export type Table = {
  readonly resource: Resource
  readonly from: RawBuilder<unknown>
  readonly primaryKey: string
  /** The column of an entity's property, qualified. */
  readonly column: (property: string) => RawBuilder<unknown>
  /** A parameter cast to the column's type; the text is the program's, the value a bind parameter. */
  readonly value: (property: string, text: string) => RawBuilder<unknown>
  readonly typeOf: (property: string) => string
}

/** @throws {Error} when the entity is not in the list that the database was opened with */
export function openTable(orm: MikroORM, resource: Resource): Table {
  const meta = orm.getMetadata().get(resource.entity)
  const [primaryKey] = meta.primaryKeys
  if (!primaryKey || meta.primaryKeys.length > 1) {
    throw new Error(`${meta.tableName} needs a primary key of one column to be a resource`)
  }
  const property = (name: string) => {
    const found = Object.entries(meta.properties).find(([key]) => key === name)?.[1]
    const [fieldName] = found?.fieldNames ?? []
    const [columnType] = found?.columnTypes ?? []
    if (!fieldName || !columnType) {
      throw new Error(`${meta.className} has no column for ${name}`)
    }
    return { fieldName, columnType }
  }
  return {
    resource,
    primaryKey,
    from: sql`${sql.table(meta.tableName)} as t`,
    column: (name) => sql.ref(`t.${property(name).fieldName}`),
    value: (name, text) => sql`${text}::${sql.raw(property(name).columnType)}`,
    typeOf: (name) => property(name).columnType,
  }
}

/** Looks every resource's table up once, at start-up.  @returns a look-up that throws for an unlisted resource */
export function openTables(
  orm: MikroORM,
  resources: readonly Resource[],
): (resource: Resource) => Table {
  const tables = new Map(resources.map((resource) => [resource, openTable(orm, resource)]))
  return (resource) => {
    const table = tables.get(resource)
    if (!table) {
      throw new Error(`${resource.name} is not in the list of resources`)
    }
    return table
  }
}
