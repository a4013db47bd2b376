import type { RawBuilder } from 'kysely'
import type { Database } from '../database/database.ts'
import type { FaultKind } from '../database/judge-plan.ts'
import type { Position } from './cursor.ts'
import type { Resource } from './define-resource.ts'
import { orderOf } from './keyset.ts'
import { parseItemQuery, parseListQuery, parseOffsetQuery, type Scope } from './list-query.ts'
import { PreparedStatements, type Compile, type SlotValues } from './prepared.ts'
import { narrowingsOf, neededParameters } from './sample-parameters.ts'
import { depthMax } from './selection.ts'
import { servingIndexes } from './serving-index.ts'
import { itemValues, listValues, shapeOf, type Place } from './shape.ts'
import { sourceOf } from './source.ts'
import { itemStatement, offsetStatement, pageStatement } from './statements.ts'
import { openTables, type Table } from './table.ts'

/** One statement that a declaration lets callers cause. */
export type DeclaredRead = {
  /** What is read: `payment-links of a member by -createdAt with status`. */
  readonly name: string
  /** Which of the reads with this name: `first page`, `next page`, `count=exact` … */
  readonly variant: string
  readonly text: string
  readonly allowance?: keyof typeof allowances
  /** For each table, the index that would serve what is read of it. */
  readonly servedBy: ReadonlyMap<string, string>
}

type Allowance = { readonly reason: string; readonly kinds: readonly FaultKind[] }

/** What some reads may do that is a fault in all others: the whole list of exceptions. */
export const allowances = {
  search: {
    reason: 'how well a row answers stands in no index: all that match are read, then sorted',
    kinds: ['sort', 'filter', 'collect'],
  },
  exactCount: {
    reason: 'count=exact counts row by row, because the caller asks for it',
    kinds: ['scan', 'filter', 'collect'],
  },
  pageByNumber: {
    reason: 'version 1 promised page numbers and a total: rows are skipped one by one and counted',
    kinds: ['scan', 'sort', 'filter', 'collect'],
  },
  catchUp: {
    reason: 'everything that changed is wanted, not a page of it',
    kinds: ['collect'],
  },
} as const satisfies Readonly<Record<string, Allowance>>

/**
 * Every read of the declarations, as the statement that the reader would send: each list by each of its sorts, by itself
 * and with each filter, forwards, backwards and from the start; each way to count, each expansion, the detail and the
 * page by number; once more for a member where members see less. Filters in pairs are left out:
 * an index for each pair is no answer, so a pair may walk all that the better of its two indexes holds, until the
 * statement's time is up. Ranges are judged at the share that PostgreSQL assumes of a range it does not know.
 * @throws {Error} what `createReader` throws for these declarations
 */
export function declaredReads(
  db: Pick<Database, 'orm' | 'fork'>,
  resources: readonly Resource[],
): readonly DeclaredRead[] {
  const tables = openTables(db.orm, resources)
  const statements = new PreparedStatements(db.fork().getKysely())
  let compiled = 0
  const compile: Asked['compile'] = (build, values) => {
    compiled += 1
    return statements.get(String(compiled), build, values).text
  }
  return resources.flatMap((resource) =>
    scopesOf(resource).flatMap((who) => {
      const asked = { resource, tables, compile, ...who }
      return [...pages(asked), ...counts(asked), ...expansions(asked), ...details(asked)]
    }),
  )
}

type Asked = {
  readonly resource: Resource
  readonly tables: ReadonlyMap<Resource, Table>
  readonly compile: (build: (compile: Compile) => RawBuilder<unknown>, values: SlotValues) => string
  readonly title: string
  readonly scope: Scope
}

const organisationId = '00000000-0000-7000-8000-000000000000'
const at = '2026-01-01T00:00:00.000Z'

function scopesOf({ name, parent, visibility }: Resource) {
  const title = parent ? `${parent.resource().name}/${name}` : name
  if (visibility === 'public') {
    return [{ title, scope: {} }]
  }
  const all = { title, scope: { organisationId } }
  const own = { title: `${title} of a member`, scope: { organisationId, memberId: organisationId } }
  return visibility.member === undefined ? [all] : [all, own]
}

function pages(asked: Asked): readonly DeclaredRead[] {
  const { resource } = asked
  const narrowings = [{ name: '', parameters: {} }, ...narrowingsOf(resource)]
  return resource.sorts.flatMap(({ name: sort }) =>
    narrowings.flatMap(({ name, parameters }) => {
      const about = name === '' ? '' : ` with ${name}`
      const search = { ...parameters, sort }
      return startsOf(asked, sort).map((start) =>
        listRead(asked, { name: `by ${sort}${about}`, search, ...start }),
      )
    }),
  )
}

/** From the beginning, and on from a cursor in both directions: also from one that includes its row, and from one whose
 *  key has a NULL. */
function startsOf(
  { resource, tables }: Asked,
  name: string,
): readonly Pick<Wanted, 'variant' | 'position'>[] {
  const table = tableOf(tables, resource)
  const sort = resource.sorts.find((one) => one.name === name) ?? resource.sorts[0]
  const { keys } = orderOf(sourceOf(table, 't'), sort)
  const key = keys.map((): string | null => '')
  const starts = (['next', 'prev'] as const).flatMap((direction) => [
    { variant: `${direction} page`, position: { direction, key } },
    {
      variant: `${direction} page with its row`,
      position: { direction, key, isInclusive: true as const },
    },
    ...keys.flatMap(({ nulls }, index) => {
      const variant = `${direction} page after a NULL`
      return nulls ? [{ variant, position: { direction, key: key.with(index, null) } }] : []
    }),
  ])
  return [{ variant: 'first page' }, ...starts]
}

function counts(asked: Asked): readonly DeclaredRead[] {
  const [{ name: sort }] = asked.resource.sorts
  const name = `by ${sort}`
  return [
    listRead(asked, { name, variant: 'count=estimated', search: { count: 'estimated' } }),
    listRead(asked, {
      name,
      variant: 'count=exact',
      search: { count: 'exact' },
      allowance: 'exactCount',
    }),
    ...(asked.resource.legacyPath === undefined ? [] : [numberedRead(asked)]),
  ]
}

function expansions(asked: Asked): readonly DeclaredRead[] {
  const [{ name: sort }] = asked.resource.sorts
  return expansionsOf(asked.resource).map((expand) => {
    const variant = `expand=${expand}`
    return listRead(asked, { name: `by ${sort}`, variant, search: { expand } })
  })
}

/** `items`, `items.product` …, to the depth that callers may ask for. */
function expansionsOf(resource: Resource, depth = 1): readonly string[] {
  return Object.entries(resource.expand).flatMap(([name, expansion]) => {
    const below = depth < depthMax ? expansionsOf(expansion.resource(), depth + 1) : []
    return [name, ...below.map((one) => `${name}.${one}`)]
  })
}

function details({ resource, tables, compile, title, scope }: Asked): readonly DeclaredRead[] {
  const table = tableOf(tables, resource)
  const wishes = ['', ...expansionsOf(resource).map((name) => `expand=${name}`)]
  return resource.operations === 'list'
    ? []
    : wishes.map((search) => {
        const selection = parseItemQuery(resource, search)
        const shape = { hasMember: scope.memberId !== undefined, selection }
        const text = compile(() => itemStatement(table, shape), itemValues({ scope, at }, ''))
        const unsorted = { ...shape, conditions: [], sort: '', isBelow: false }
        const servedBy = servingIndexes(table, unsorted, selection)
        return { name: `${title}/:id`, variant: search || 'alone', text, servedBy }
      })
}

type Wanted = {
  readonly name: string
  readonly variant: string
  readonly search: Readonly<Record<string, string>>
  readonly position?: Position
  readonly allowance?: keyof typeof allowances
}

function listRead(
  asked: Asked,
  { name, variant, search, position, allowance }: Wanted,
): DeclaredRead {
  const { resource, tables, compile, title, scope } = asked
  const table = tableOf(tables, resource)
  const parameters = { ...neededParameters(resource, search['sort']), ...search }
  const parsed = parseListQuery(
    { resource, scope, parentId: '' },
    String(new URLSearchParams(parameters)),
    [],
  )
  const query = { ...parsed, ...(position && { position }) }
  const place = placeOf(asked)
  const shape = shapeOf(place, query)
  const isSearch = query.conditions.some(({ operator }) => operator === 'search')
  const allowed = allowance ?? (isSearch ? 'search' : undefined)
  return {
    name: `${title} ${name}`,
    variant,
    text: compile((inner) => pageStatement(table, shape, inner), listValues(place, query)),
    servedBy: servingIndexes(
      table,
      { ...shape, isBelow: resource.parent !== undefined },
      query.selection,
    ),
    ...(allowed && { allowance: allowed }),
  }
}

function numberedRead(asked: Asked): DeclaredRead {
  const { resource, tables, compile, title } = asked
  const table = tableOf(tables, resource)
  const query = parseOffsetQuery(
    resource,
    String(new URLSearchParams({ ...neededParameters(resource), page: '2' })),
  )
  const place = placeOf(asked)
  const shape = shapeOf(place, query)
  return {
    name: `${title} by ${query.sort}`,
    variant: 'page by number',
    text: compile(() => offsetStatement(table, shape), listValues(place, query)),
    servedBy: servingIndexes(table, { ...shape, isBelow: false }, query.selection),
    allowance: 'pageByNumber',
  }
}

function placeOf({ resource, tables, scope }: Asked): Place {
  const parent = resource.parent && { table: tableOf(tables, resource.parent.resource()), id: '' }
  return { scope, at, ...(parent && { parent }) }
}

function tableOf(tables: ReadonlyMap<Resource, Table>, resource: Resource): Table {
  const table = tables.get(resource)
  if (!table) {
    throw new Error(`${resource.name} is not in the list of resources`)
  }
  return table
}
