import type { Selection } from './selection.ts'
import type { Shape } from './shape.ts'
import type { Sort } from './sort.ts'
import { columnOf } from './column-of.ts'
import type { Table } from './table.ts'

/** What of a list decides the index that serves it. */
type Wanted = Pick<Shape, 'hasMember' | 'conditions' | 'sort'> & { readonly isBelow: boolean }

/** For each table of a read, the index that would serve what is read of it, in the words of CREATE INDEX. */
export function servingIndexes(
  table: Table,
  wanted: Wanted,
  { expand }: Selection,
): ReadonlyMap<string, string> {
  const { hasMember } = wanted
  const below = Object.entries(expand).flatMap(([name, selection]) => {
    const { table: child, expansion } = table.related(name)
    const [{ name: sort }] = child.resource.sorts
    const isBelow = expansion.kind === 'many'
    return [...servingIndexes(child, { hasMember, conditions: [], sort, isBelow }, selection)]
  })
  return new Map([...below, [table.resource.entity.meta.tableName, servingIndex(table, wanted)]])
}

function servingIndex(table: Table, wanted: Wanted): string {
  const { resource } = table
  const { visibility, parent, only, removedAt } = resource
  const sort = resource.sorts.find(({ name }) => name === wanted.sort) ?? resource.sorts[0]
  const tenancy =
    visibility === 'public'
      ? []
      : [visibility.organisation, ...(wanted.hasMember ? [visibility.member] : [])]
  const equal = [
    ...(wanted.isBelow ? [parent?.column] : tenancy),
    ...wanted.conditions
      .filter(({ operator, isMany }) => operator === 'in' && !isMany)
      .map(({ field }) => columnOf(table, field)),
  ].filter((property) => property !== undefined)
  const ordered = orderedColumns(table, sort).filter(({ property }) => !equal.includes(property))
  const isMixed = ordered.some(({ isDown, nulls }) => nulls || isDown !== ordered[0]?.isDown)
  const columns = [
    ...new Set(equal.map(table.columnName)),
    ...ordered.map(({ property, isDown, nulls }) =>
      [
        table.columnName(property),
        ...(isMixed && isDown ? ['desc'] : []),
        ...(nulls ? [`nulls ${nulls}`] : []),
      ].join(' '),
    ),
  ]
  const conditions = [
    ...Object.entries(only).map(([property, value]) =>
      typeof value === 'string'
        ? `${table.columnName(property)} = '${value}'`
        : `${value ? '' : 'not '}${table.columnName(property)}`,
    ),
    ...(removedAt ? [`${table.columnName(removedAt)} is null`] : []),
  ]
  const where = conditions.length > 0 ? ` where ${conditions.join(' and ')}` : ''
  return `(${columns.join(', ')})${where}`
}

function orderedColumns(table: Table, sort: Sort) {
  const wanted = sort.keys
    .filter(({ field }) => field !== 'relevance')
    .map(({ field, isDown }) => {
      const property = columnOf(table, field)
      return { property, isDown, nulls: table.isNullable(property) ? sort.nulls : undefined }
    })
  const isDown = sort.keys.at(-1)?.isDown ?? false
  const sorted = wanted.map(({ property }) => property)
  const rest = table.primaryKey.filter((property) => !sorted.includes(property))
  return [...wanted, ...rest.map((property) => ({ property, isDown, nulls: undefined }))]
}
