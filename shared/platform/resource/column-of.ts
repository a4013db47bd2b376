import type { Table } from './table.ts'

/** The column that a field is filtered and sorted by.  @throws {Error} when there is no such field */
export function columnOf(table: Table, field: string): string {
  const [property] = table.resource.fields[field]?.columns ?? []
  if (property === undefined) {
    throw new Error(`${table.resource.name} has no field ${field}`)
  }
  return property
}
