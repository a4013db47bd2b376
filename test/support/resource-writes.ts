import { sql, type RawBuilder } from 'kysely'
import type { Resource } from '#platform/resource/define-resource'
import { transaction, type Transaction } from '#platform/database/transaction'
import type { Business } from './business.ts'
import { fixtureOf, type Columns } from './resource-fixtures.ts'
import { propertyOf, tableOf, type StoredRow, type StoredTable } from './resource-model.ts'

// Rows appear, move and vanish below a list that somebody is reading, whatever table it is. Triggers and foreign keys are
// off meanwhile: not even rows that are appended only are safe from a contract.

/** The n-th copy of a row, at the same place in every order or one step beside it; undefined where there is such a row. */
export async function addCopy(
  business: Business,
  resource: Resource,
  { row, n }: { readonly row: StoredRow; readonly n: number },
): Promise<StoredRow | undefined> {
  return copyRow(business, resource, row, {
    ...stepped(tableOf(business.db, resource), resource, n),
    ...fixtureOf(resource).another?.(n),
  })
}

/** A copy of a row that differs from it in these columns, and in an id of its own. */
export function copyRow(
  business: Business,
  resource: Resource,
  row: StoredRow,
  columns: Columns,
): Promise<StoredRow | undefined> {
  const table = tableOf(business.db, resource)
  const { parts } = fixtureOf(resource)
  return unguarded(business, async (tx) => {
    if (parts) {
      return copyParts(tx, { view: table.name, parts, id: business.random.uuid() }, row, columns)
    }
    const types = await typesOf(tx, table)
    const id = types.get('id') === 'uuid' ? { id: sql`gen_random_uuid()` } : {}
    const values: Columns = { ...id, ...columns }
    const names = [...types.keys()]
    const [copy] = await tx.run(sql<{ row: string }>`
      insert into ${sql.table(table.name)} as made (${sql.join(names.map((name) => sql.ref(name)))})
      select ${sql.join(names.map((name) => valueOf(values, name, types.get(name) ?? '')))}
        from ${sql.table(table.name)} as t where ${isRow(table, 't', row)}
          on conflict do nothing
      returning to_jsonb(made)::text as row`)
    return copy && JSON.parse(copy.row)
  })
}

type View = { readonly view: string; readonly parts: Parts; readonly id: string }
type Parts = readonly { readonly table: string; readonly key: string }[]

/** A copy of all that a view joins of a row. */
async function copyParts(
  tx: Transaction,
  { view, parts, id }: View,
  row: StoredRow,
  columns: Columns,
): Promise<StoredRow | undefined> {
  for (const { table, key } of parts) {
    const types = await typesOf(tx, { name: table })
    const values: Columns = { ...columns, [key]: id }
    const names = [...types.keys()]
    await tx.run(sql`
      insert into ${sql.table(table)} (${sql.join(names.map((name) => sql.ref(name)))})
      select ${sql.join(names.map((name) => valueOf(values, name, types.get(name) ?? '')))}
        from ${sql.table(table)} as t where ${sql.ref(`t.${key}`)} = ${row['id']}::uuid
          on conflict do nothing`)
  }
  const [copy] = await tx.run(
    sql<{ row: string }>`
      select to_jsonb(v)::text as row from ${sql.table(view)} as v where v.id = ${id}::uuid`,
  )
  return copy && JSON.parse(copy.row)
}

/** Brings a row to the place of another one in every order of the list, or a step beside it, as far as its columns may
 *  change. */
export async function moveRow(
  business: Business,
  resource: Resource,
  { row, to, n }: { readonly row: StoredRow; readonly to: StoredRow; readonly n: number },
): Promise<void> {
  const table = tableOf(business.db, resource)
  const columns = { ...stepped(table, resource, n, to), ...fixtureOf(resource).another?.(n) }
  const keys = table.primaryKey.map(table.column)
  const changes = Object.entries(columns).filter(([name]) => !keys.includes(name))
  if (changes.length > 0) {
    await changeRow(business, resource, row, Object.fromEntries(changes))
  }
}

/** Gives a row these columns, and returns it as it is then. */
export function changeRow(
  business: Business,
  resource: Resource,
  row: StoredRow,
  columns: Columns,
): Promise<StoredRow> {
  const stored = tableOf(business.db, resource)
  const [told] = fixtureOf(resource).parts ?? []
  const table = { ...stored, ...(told && { name: told.table }) }
  return unguarded(business, async (tx) => {
    const types = await typesOf(tx, table)
    const assignments = Object.keys(columns).map(
      (name) => sql`${sql.ref(name)} = ${valueOf(columns, name, types.get(name) ?? '')}`,
    )
    const [changed] = await tx.run(sql<{ row: string }>`
      update ${sql.table(table.name)} as t set ${sql.join(assignments)}
       where ${isRow(table, 't', row)} returning to_jsonb(t)::text as row`)
    return changed ? JSON.parse(changed.row) : row
  })
}

/** Takes rows away: marked as removed where rows of this kind are, else deleted. */
export async function removeRows(
  business: Business,
  resource: Resource,
  rows: readonly StoredRow[],
): Promise<void> {
  const stored = tableOf(business.db, resource)
  const [told] = fixtureOf(resource).parts ?? []
  const table = { ...stored, ...(told && { name: told.table }) }
  const { removedAt } = resource
  await unguarded(business, async (tx) => {
    for (const row of rows) {
      const where = isRow(table, 't', row)
      await tx.run(
        removedAt === undefined
          ? sql`delete from ${sql.table(table.name)} as t where ${where}`
          : sql`update ${sql.table(table.name)} as t set ${sql.ref(table.column(removedAt))} = now() where ${where}`,
      )
    }
  })
}

/** Columns of the orders, set to where the row stands, a step before it, a step behind it, or NULL where that may be. */
function stepped(table: StoredTable, resource: Resource, n: number, from?: StoredRow): Columns {
  const fields = resource.sorts.flatMap(({ keys, nulls }) =>
    keys.map(({ field }) => ({ field, nulls })),
  )
  return Object.fromEntries(
    fields.flatMap(({ field, nulls }): [string, RawBuilder<unknown>][] => {
      const property = propertyOf(resource, field)
      const column = table.column(property)
      if (!table.typeOf(property).startsWith('timestamp')) {
        return []
      }
      const step = sql`${(n % 3) - 1}::integer * interval '1 microsecond'`
      const start = from ? sql`${from[column]}::timestamptz` : sql.ref(`t.${column}`)
      return [[column, nulls && n % 4 === 0 ? sql`null` : sql`${start} + ${step}`]]
    }),
  )
}

function isRow(table: StoredTable, alias: string, row: StoredRow): RawBuilder<unknown> {
  const columns = table.primaryKey.map((property) => ({
    column: table.column(property),
    type: table.typeOf(property),
  }))
  return sql.join(
    columns.map(
      ({ column, type }) =>
        sql`${sql.ref(`${alias}.${column}`)} = ${String(row[column])}::text::${sql.raw(type)}`,
    ),
    sql` and `,
  )
}

function valueOf(values: Columns, name: string, type: string): RawBuilder<unknown> {
  const value = values[name]
  if (value === undefined) {
    return sql`${sql.ref(`t.${name}`)}`
  }
  const expression = typeof value === 'object' && value !== null ? value : sql`${value}`
  return sql`(${expression})::${sql.raw(type)}`
}

/** Types of the columns that can be written, by name. */
async function typesOf(
  tx: Transaction,
  { name }: Pick<StoredTable, 'name'>,
): Promise<ReadonlyMap<string, string>> {
  const columns = await tx.run(sql<{ column: string; type: string }>`
    select attname as column, format_type(atttypid, null) as type from pg_attribute
     where attrelid = ${name}::text::regclass and attnum > 0 and not attisdropped
       and attidentity = '' and attgenerated = ''
     order by attnum`)
  return new Map(columns.map(({ column, type }) => [column, type]))
}

function unguarded<T>(business: Business, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return transaction(business, async (tx) => {
    await tx.run(sql`set local session_replication_role = 'replica'`)
    return work(tx)
  })
}
