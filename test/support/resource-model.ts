import { sql } from 'kysely'
import type { Database } from '#platform/database/database'
import type { Resource } from '#platform/resource/define-resource'
import { filterParameters, type FilterParameter } from '#platform/resource/filters'

// What a list has to show, worked out in JavaScript from the rows of its table, by the words of the declaration and without
// a line of the code that reads it.

/** A row as its table has it, by names of columns. */
export type StoredRow = Readonly<Record<string, Stored | undefined>>

/** Lists and objects have no order, so that nobody asks for theirs. */
type Stored = string | number | boolean | null

export type Viewer = { readonly organisationId: string; readonly memberId?: string }

export type Question = {
  readonly viewer: Viewer
  readonly parentId?: string
  readonly parameters?: Readonly<Record<string, string>>
  /** The resource's first when left out. */
  readonly sort?: string
}

/** What the entities know of a resource's table. */
export type StoredTable = {
  readonly name: string
  readonly primaryKey: readonly string[]
  readonly column: (property: string) => string
  readonly typeOf: (property: string) => string
}

export function tableOf({ orm }: Pick<Database, 'orm'>, { entity }: Resource): StoredTable {
  const meta = orm.getMetadata().get(entity)
  const first = (property: string, name: 'fieldNames' | 'columnTypes'): string =>
    Object.entries(meta.properties).find(([key]) => key === property)?.[1][name][0] ?? ''
  return {
    name: meta.tableName,
    primaryKey: meta.primaryKeys,
    column: (property) => first(property, 'fieldNames'),
    typeOf: (property) => first(property, 'columnTypes'),
  }
}

/** Every row of the resource's table, of whomever it is. `q` is what ranks are worked out for. */
export async function rowsOf(
  db: Pick<Database, 'orm' | 'run'>,
  resource: Resource,
  q?: string,
): Promise<readonly StoredRow[]> {
  const { name, column } = tableOf(db, resource)
  const { vector = '', similar = '' } = resource.search ?? {}
  const rank =
    resource.search && q !== undefined
      ? sql`round((ts_rank(${sql.ref(column(vector))}, websearch_to_tsquery('english', ${q}::text))
                   + word_similarity(${q}::text, ${sql.ref(column(similar))}))::numeric, 6)`
      : sql`null`
  const rows = await db.run(
    sql<{
      row: string
    }>`select (to_jsonb(t) || jsonb_build_object('relevance', ${rank}))::text as row from ${sql.table(name)} as t`,
  )
  return rows.map(({ row }) => JSON.parse(row))
}

/** The rows that the list shows, in its order. */
export function select(
  table: StoredTable,
  resource: Resource,
  rows: readonly StoredRow[],
  question: Question,
): readonly StoredRow[] {
  return rows
    .filter((row) => isVisible(table, resource, row, question))
    .filter((row) => isWanted(table, resource, row, question.parameters ?? {}))
    .toSorted(orderOf(table, resource, question.sort))
}

function isVisible(table: StoredTable, resource: Resource, row: StoredRow, question: Question) {
  const { visibility, removedAt, only, boundary, parent } = resource
  const { viewer, parentId } = question
  const of = (property: string): Stored | undefined => row[table.column(property)]
  const isOurs =
    visibility === 'public' ||
    (of(visibility.organisation) === viewer.organisationId &&
      (viewer.memberId === undefined ||
        visibility.member === undefined ||
        of(visibility.member) === viewer.memberId))
  const now = microseconds(new Date().toISOString())
  return (
    isOurs &&
    (!parent || of(parent.column) === parentId) &&
    (removedAt === undefined || of(removedAt) === null) &&
    Object.entries(only).every(([property, value]) => of(property) === value) &&
    (boundary.from === undefined || microseconds(of(boundary.from)) <= now) &&
    (boundary.until === undefined ||
      of(boundary.until) === null ||
      microseconds(of(boundary.until)) > now)
  )
}

function isWanted(
  table: StoredTable,
  resource: Resource,
  row: StoredRow,
  parameters: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(parameters).every(([name, wanted]) => {
    const { field = '', kind } = filterParameters(resource).get(name) ?? {}
    const property = kind === 'search' ? resource.search?.similar : propertyOf(resource, field)
    const value = row[table.column(property ?? '')]
    return value !== null && kind !== undefined && comparisons[kind](String(value), wanted)
  })
}

const comparisons: Readonly<
  Record<FilterParameter['kind'], (value: string, wanted: string) => boolean>
> = {
  equals: (value, wanted) => value === wanted,
  oneOf: (value, wanted) => wanted.split(',').includes(value),
  from: (value, wanted) => microseconds(value) >= microseconds(wanted),
  before: (value, wanted) => microseconds(value) < microseconds(wanted),
  prefix: (value, wanted) => value.startsWith(wanted),
  search: (value, wanted) => value.toLowerCase().includes(wanted),
}

/** The declared order, ended by the primary key in the direction of the last step. */
function orderOf(table: StoredTable, resource: Resource, name?: string) {
  const { keys, nulls } = resource.sorts.find((one) => one.name === name) ?? resource.sorts[0]
  const steps = keys.map(({ field, isDown }) => ({ property: propertyOf(resource, field), isDown }))
  const sorted = steps.map(({ property }) => property)
  const isDown = keys.at(-1)?.isDown ?? false
  const rest = table.primaryKey.filter((property) => !sorted.includes(property))
  const all = [...steps, ...rest.map((property) => ({ property, isDown }))]
  return (one: StoredRow, other: StoredRow): number => {
    for (const step of all) {
      const column = step.property === 'relevance' ? step.property : table.column(step.property)
      const [left, right] = [one[column], other[column]]
      if ((left === null) !== (right === null)) {
        return (left === null) === (nulls === 'first') ? -1 : 1
      }
      const difference = compare(left, right, table.typeOf(step.property))
      if (difference !== 0) {
        return step.isDown ? -difference : difference
      }
    }
    return 0
  }
}

function compare(left: Stored | undefined, right: Stored | undefined, type: string): number {
  if (left === null || right === null) {
    return 0
  }
  if (typeof left === 'number' && typeof right === 'number') {
    return left - right
  }
  if (type.startsWith('timestamp')) {
    return Number(microseconds(left) - microseconds(right))
  }
  // UTF-8 stands in the order of code points; JavaScript's own comparison does not.
  return Buffer.compare(Buffer.from(String(left)), Buffer.from(String(right)))
}

/** The first column behind a field. */
export function propertyOf(resource: Resource, field: string): string {
  return resource.fields[field]?.columns[0] ?? field
}

/** Since 1970; exact, which a Date is not. */
function microseconds(instant: Stored | undefined): bigint {
  const text = String(instant)
  const [, fraction = ''] = /\.(\d+)/.exec(text) ?? []
  const seconds = BigInt(Date.parse(text.replace(/\.\d+/, ''))) * 1000n
  return seconds + BigInt(fraction.padEnd(6, '0'))
}
