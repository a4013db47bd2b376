import type { EntitySchema } from '@mikro-orm/core'
import { z } from 'zod'
import type { Expansion } from './expansion.ts'
import type { Field } from './fields.ts'
import { readSorts, type Sort, type SortDeclaration } from './sort.ts'

/** How a query parameter narrows a field.
 *  `equals`: `currency=GBP`. `oneOf`: `status=open,paid`. `range`: `createdFrom=…` (inclusive), `createdBefore=…`
 *  (exclusive). `prefix`: `slugPrefix=cand`, of text under the C collation. */
export type FilterKind = 'equals' | 'oneOf' | 'range' | 'prefix'

/** How long an answer may be served before it is looked at again; the seconds of each class are configuration. What is
 *  `volatile` is fetched anew before it is served again, the others beside an answer. */
export type CacheClass = 'volatile' | 'short' | 'medium' | 'long'

/** The longest that a declaration may name; changes are kept at least that long. */
export const cacheSecondsMax = 3600

/** The longest that an answer with lagging columns may be served. */
export const laggingSecondsMax = 60

/** A class, or seconds of its own: until it is fetched anew, and for how long after that it is served meanwhile. */
export type CachePolicy =
  | CacheClass
  | { readonly listSeconds: number; readonly itemSeconds: number; readonly staleSeconds: number }

type Column<Row> = Extract<keyof Row, string>
type Fields<Row> = Readonly<Record<string, Field<Column<Row>>>>
type Name<F> = Extract<keyof F, string>
type ColumnsOf<F> = F[keyof F] extends Field<infer C> ? C : never

/** Who may see a row: anybody with the scope, its organisation, or in it only the member it belongs to. */
export type Visibility<Row> =
  | 'public'
  | { readonly organisation: Column<Row>; readonly member?: Column<Row> }

/** The list lives under one item of another resource: `/payment-links/:id/events`. */
export type Parent<Row> = { readonly resource: () => Resource; readonly column: Column<Row> }

/** What is fetched before somebody asks for it. */
export type Warmth = {
  /** The first page of the list, as it is without parameters: for each organisation that is active, or once where all see
   *  the same. */
  readonly list?: true
  /** So many items from the top of that list, each by itself; at most 100. */
  readonly items?: number
  /** The first page also for each member who was active lately, as that member sees it. */
  readonly members?: true
}

/** The most items of one list that are fetched ahead. */
const warmItemsMax = 100

export type ResourceDeclaration<
  Row extends object,
  F extends Fields<Row>,
  H extends Column<Row>,
> = {
  /** Path below `/api/v2` and cache family, for example `payment-links`. Below a parent: the last segment. */
  readonly name: string
  /** What one item is called in texts: `payment link`. */
  readonly noun: string
  readonly entity: EntitySchema<Row>
  readonly scope: string
  readonly visibility: Visibility<Row>
  readonly cache: CachePolicy
  /** Only of what most readers begin with: each costs a statement at every start. */
  readonly warm?: Warmth
  readonly fields: F
  /** The columns that never leave the house. Every column stands here or in a field; one that was forgotten does not compile. */
  readonly hidden?: readonly H[]
  readonly filters?: { readonly [K in Name<F>]?: FilterKind }
  /** Filters by texts that tell nothing of a person, as codes do; with `q` searches that are for things and not for people.
   *  Questions with other texts in them are never written down outside the process, and so are not asked again by the next
   *  one. */
  readonly impersonal?: readonly (Name<F> | 'q')[]
  /** Filters that a list cannot be read without, because it would be too long to be of use. */
  readonly filtersRequired?: readonly (Name<F> | 'q')[]
  /** Full text with tolerance for typing errors, as the parameter `q`; brings the sort `-relevance`. */
  readonly search?: Search<Row>
  /** First is the default. The primary key is always appended, so that the order is total and pages never overlap.
   *  Each needs an index that starts with the visibility's columns; the index proof finds one that has none. */
  readonly sorts: readonly [SortDeclaration<Name<F>>, ...SortDeclaration<Name<F>>[]]
  readonly page: { readonly limitDefault: number; readonly limitMax: number }
  /** Other resources that `expand` shows inside an item, in the same statement. */
  readonly expand?: Readonly<Record<string, Expansion<Column<Row>>>>
  /** A row with a value in this column does not exist for readers. */
  readonly removedAt?: Column<Row>
  /** Only rows with these values exist for readers. */
  readonly only?: { readonly [K in Column<Row>]?: boolean | string }
  /** Rows exist for readers from one instant (inclusive) until another (exclusive): what changes by the clock alone. */
  readonly boundary?: { readonly from?: Column<Row>; readonly until?: Column<Row> }
  readonly parent?: Parent<Row>
  /** Columns that change all the time and whose changes nobody is told, such as counters. An answer has them, and its order
   *  by them, as they were when it was made; how old that may be its lifetime says, which is named in seconds and short.
   *  The rest of the answer is as true as other answers are. Nothing is filtered by them. */
  readonly lagging?: readonly Column<Row>[]
  /** Where the entity is a view: the table whose changes are told. It has the view's primary key, and every column of the
   *  view that does not lag, by the same names. */
  readonly changesOf?: EntitySchema
  /** `list` offers no `GET /:id`. */
  readonly operations?: 'list' | 'list-and-detail'
  /** Path of the version 1 twin below `/api`, where one must go on working. */
  readonly legacyPath?: string
  /** Statements that one answer may cost, the caller's credential not counted. */
  readonly statementsMax?: number
}

/** A tsvector column and the text column in which similar words are looked for. */
export type Search<Row> = { readonly vector: Column<Row>; readonly similar: Column<Row> }

/** What is left when every column is accounted for: nothing to add. Otherwise the missing names, where `hidden` should be. */
type Complete<Row, Known> = [Exclude<Column<Row>, Known>] extends [never]
  ? unknown
  : { readonly hidden: readonly Exclude<Column<Row>, Known>[] & 'columns neither shown nor hidden' }

/** A declaration with its types forgotten: what the reader, the routes and the contract suite work with. */
export type Resource = {
  readonly name: string
  readonly noun: string
  readonly entity: EntitySchema
  readonly scope: string
  readonly visibility: 'public' | { readonly organisation: string; readonly member?: string }
  readonly cache: CachePolicy
  readonly warm: Warmth
  readonly fields: Readonly<Record<string, Field>>
  readonly filters: Readonly<Record<string, FilterKind>>
  readonly filtersRequired: readonly string[]
  readonly impersonal: readonly string[]
  readonly search?: { readonly vector: string; readonly similar: string }
  readonly sorts: readonly [Sort, ...Sort[]]
  readonly page: { readonly limitDefault: number; readonly limitMax: number }
  readonly expand: Readonly<Record<string, Expansion>>
  readonly removedAt?: string
  readonly only: Readonly<Record<string, boolean | string>>
  readonly boundary: { readonly from?: string; readonly until?: string }
  readonly parent?: { readonly resource: () => Resource; readonly column: string }
  readonly lagging: readonly string[]
  readonly changesOf?: EntitySchema
  readonly operations: 'list' | 'list-and-detail'
  readonly legacyPath?: string
  readonly statementsMax: number
  /** The public shape of one item, with every field and no expansion. */
  readonly item: z.ZodObject
}

/** Declares a read: list, detail, cursor, selection, expansion, filters, validation, documentation and the contract tests
 *  come from it. A column that the entity does not have or that is neither shown nor hidden, or a sort or filter that is
 *  not a field, does not compile.
 *  @throws {Error} when a name means two things, or what cannot be fetched ahead is to be */
export function defineResource<
  Row extends object,
  const F extends Fields<Row>,
  const H extends Column<Row>,
>(declaration: ResourceDeclaration<Row, F, H> & Complete<Row, ColumnsOf<F> | H>): Resource {
  const shape = Object.fromEntries(
    Object.entries(declaration.fields).map(([name, field]) => [name, field.schema]),
  )
  const twice = Object.keys(declaration.expand ?? {}).find((name) => Object.hasOwn(shape, name))
  if (twice !== undefined) {
    throw new Error(`${declaration.name} has a field and an expansion called ${twice}`)
  }
  const defaults = {
    warm: {},
    filters: {},
    impersonal: [],
    filtersRequired: [],
    expand: {},
    only: {},
    boundary: {},
    lagging: [],
    operations: 'list-and-detail',
    statementsMax: 1,
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- forgets the row type, which only the declaration needs
  const resource = {
    ...defaults,
    ...declaration,
    sorts: readSorts(declaration.sorts),
    item: z.object(shape),
  } as unknown as Resource
  requireWarmable(resource)
  return resource
}

/** A list below an item, or one that is nothing without a filter, has no first page that everybody begins with. */
function requireWarmable({
  name,
  warm,
  parent,
  filtersRequired,
  operations,
  visibility,
}: Resource): void {
  const { items = 0, members = false } = warm
  const hasList = !parent && filtersRequired.length === 0
  const hasItems = operations === 'list-and-detail'
  const hasMembers = visibility !== 'public' && visibility.member !== undefined
  const isPossible =
    (hasList || Object.keys(warm).length === 0) &&
    (hasItems || items === 0) &&
    (hasMembers || !members)
  if (!isPossible || items < 0 || items > warmItemsMax) {
    throw new Error(`${name} cannot be fetched ahead as its declaration says`)
  }
}

/** The table whose changes are told of what a resource reads. */
export function toldTable({ entity, changesOf }: Pick<Resource, 'entity' | 'changesOf'>): string {
  return (changesOf ?? entity).meta.tableName
}
