import type { EntitySchema } from '@mikro-orm/core'
import { z } from 'zod'
import type { Field } from './fields.ts'

/** How a query parameter narrows a field.
 *  `equals`: `currency=GBP`. `oneOf`: `status=open,paid`. `range`: `createdFrom=…` (inclusive), `createdBefore=…` (exclusive). */
export type FilterKind = 'equals' | 'oneOf' | 'range'

type Column<Row> = Extract<keyof Row, string>
type Fields<Row> = Readonly<Record<string, Field<Column<Row>>>>
type Name<F> = Extract<keyof F, string>

/** Who may see a row: anybody with the scope, its organisation, or in it only the member it belongs to. */
export type Visibility<Row> =
  | 'public'
  | { readonly organisation: Column<Row>; readonly member?: Column<Row> }

/** The list lives under one item of another resource: `/payment-links/:id/events`. */
export type Parent<Row> = { readonly resource: Resource; readonly column: Column<Row> }

export type ResourceDeclaration<Row extends object, F extends Fields<Row>> = {
  /** Path below `/api/v2` and cache family, for example `payment-links`. Below a parent: the last segment. */
  readonly name: string
  readonly entity: EntitySchema<Row>
  readonly scope: string
  readonly visibility: Visibility<Row>
  readonly fields: F
  readonly filters?: { readonly [K in Name<F>]?: FilterKind }
  /** Filters that a list cannot be read without, because it would be too long to be of use. */
  readonly filtersRequired?: readonly Name<F>[]
  /** First is the default. The primary key is always appended, so that the order is total and pages never overlap.
   *  Only columns that are never NULL; each needs an index that starts with the visibility's columns. */
  readonly sorts: readonly [SortName<F>, ...SortName<F>[]]
  readonly page: { readonly limitDefault: number; readonly limitMax: number }
  /** A row with a value in this column does not exist for readers. */
  readonly removedAt?: Column<Row>
  /** Only rows with these values exist for readers. */
  readonly only?: { readonly [K in Column<Row>]?: boolean }
  readonly parent?: Parent<Row>
  /** `list` offers no `GET /:id`. */
  readonly operations?: 'list' | 'list-and-detail'
  /** Path of the version 1 twin below `/api`, where one must go on working. */
  readonly legacyPath?: string
}

type SortName<F> = Name<F> | `-${Name<F>}`

/** A declaration with its types forgotten: what the reader, the routes and the contract suite work with. */
export type Resource = {
  readonly name: string
  readonly entity: EntitySchema
  readonly scope: string
  readonly visibility: 'public' | { readonly organisation: string; readonly member?: string }
  readonly fields: Readonly<Record<string, Field>>
  readonly filters: Readonly<Record<string, FilterKind>>
  readonly sorts: readonly [string, ...string[]]
  readonly page: { readonly limitDefault: number; readonly limitMax: number }
  readonly removedAt?: string
  readonly filtersRequired: readonly string[]
  readonly only: Readonly<Record<string, boolean>>
  readonly parent?: { readonly resource: Resource; readonly column: string }
  readonly operations: 'list' | 'list-and-detail'
  readonly legacyPath?: string
  /** The public shape of one item, with every field. */
  readonly item: z.ZodObject
}

/** Declares a read: list, detail, cursor, selection, filters, validation and the contract tests come from it.
 *  A column that the entity does not have, or a sort or filter that is not a field, does not compile. */
export function defineResource<Row extends object, const F extends Fields<Row>>(
  declaration: ResourceDeclaration<Row, F>,
): Resource {
  const shape = Object.fromEntries(
    Object.entries(declaration.fields).map(([name, field]) => [name, field.schema]),
  )
  const defaults = { filters: {}, filtersRequired: [], only: {}, operations: 'list-and-detail' }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- forgets the row type, which only the declaration needs
  return { ...defaults, ...declaration, item: z.object(shape) } as unknown as Resource
}
