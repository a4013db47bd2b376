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
  /** An expression cast to the type of the column, or with `[]` to an array of it. */
  readonly cast: (
    property: string,
    expression: RawBuilder<unknown>,
    suffix?: '[]',
  ) => RawBuilder<unknown>
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
    cast: (name, expression, suffix) =>
      sql`${expression}::${sql.raw(property(name).columnType + (suffix ?? ''))}`,
    typeOf: (name) => property(name).columnType,
  }
}
