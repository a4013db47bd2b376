import { cacheSecondsMax, laggingSecondsMax, type Resource } from './define-resource.ts'
import { plainSorts } from './sort.ts'
import { columnOf } from './column-of.ts'
import type { Table } from './table.ts'

/** What the compiler cannot see, found at start-up rather than by the first caller. */
export function verify(table: Table): void {
  const { resource, primaryKey } = table
  const { name, visibility, removedAt, only, boundary, search, parent } = resource
  const fail = (what: string): never => {
    throw new Error(`the declaration of ${name}: ${what}`)
  }
  const tenancy = visibility === 'public' ? [] : [visibility.organisation, visibility.member]
  const columns = [
    ...Object.values(resource.fields).flatMap((field) => field.columns),
    ...Object.keys(only),
    ...tenancy,
    removedAt,
    boundary.from,
    boundary.until,
    search?.vector,
    search?.similar,
    parent?.column,
  ]
  columns.forEach((column) => column !== undefined && table.columnName(column))
  if (resource.operations === 'list-and-detail' && primaryKey.length > 1) {
    fail('a detail needs a primary key of one column')
  }
  for (const sort of resource.sorts) {
    for (const { field } of sort.keys) {
      const column = field === 'relevance' ? undefined : columnOf(table, field)
      if (column !== undefined && table.isNullable(column) && !sort.nulls) {
        fail(`${field} may be NULL, so the sort ${sort.name} must say where its NULLs stand`)
      }
      if (column === undefined && !search) {
        fail('only a search has relevance')
      }
    }
  }
  verifyCache(resource, fail)
  verifyLagging(table, fail)
  verifyFields(table, fail)
  verifyFilters(table, fail)
  verifyExpansions(table, fail)
}

function verifyCache({ cache }: Resource, fail: (what: string) => never): void {
  if (typeof cache !== 'string') {
    const { listSeconds, itemSeconds, staleSeconds } = cache
    if (Math.max(listSeconds, itemSeconds) + staleSeconds > cacheSecondsMax) {
      fail(`no answer is kept for more than ${cacheSecondsMax} s, for changes are not kept longer`)
    }
  }
}

/** What nobody is told must decide of no row whether it is shown, and must not outlive its time in another's answer. */
function verifyLagging({ resource, columnName, primaryKey }: Table, fail: (what: string) => never) {
  const { lagging, cache, filters, fields, boundary, only, visibility, parent, removedAt } =
    resource
  const tenancy = visibility === 'public' ? [] : [visibility.organisation, visibility.member]
  const decisive = [
    ...Object.keys(filters).flatMap((field) => fields[field]?.columns ?? []),
    ...Object.values(boundary),
    ...Object.keys(only),
    ...primaryKey,
    ...tenancy,
    parent?.column,
    removedAt,
  ]
  for (const property of lagging) {
    columnName(property)
    if (decisive.includes(property)) {
      fail(`${property} decides which rows are shown, so it cannot lag`)
    }
  }
  const servedSeconds =
    typeof cache === 'string'
      ? Infinity
      : Math.max(cache.listSeconds, cache.itemSeconds) + cache.staleSeconds
  if (lagging.length > 0 && servedSeconds > laggingSecondsMax) {
    fail(`what lags is served for at most ${laggingSecondsMax} s, so its cache names seconds`)
  }
}

/** Without the word the JSON of a whole row would be NULL, and the row would be missing from its page. */
function verifyFields(table: Table, fail: (what: string) => never): void {
  for (const [name, { columns, isNullable }] of Object.entries(table.resource.fields)) {
    if (!isNullable && columns.some(table.isNullable)) {
      fail(`the field ${name} may be NULL, so it must say nullable`)
    }
  }
}

function verifyFilters(table: Table, fail: (what: string) => never): void {
  const { resource } = table
  for (const [field, kind] of Object.entries(resource.filters)) {
    if (!resource.fields[field]?.parameter) {
      fail(`${field} has no form in a query, so nothing can be filtered by it`)
    }
    if (kind === 'prefix' && table.collationOf(columnOf(table, field)) !== 'C') {
      fail(`a prefix of ${field} is a range only under the C collation`)
    }
  }
  if (plainSorts(resource.sorts).length === 0 && !resource.filtersRequired.includes('q')) {
    fail('a list that is only sorted by relevance needs the filter q')
  }
}

function verifyExpansions(table: Table, fail: (what: string) => never): void {
  const { resource, primaryKey } = table
  for (const key of Object.keys(resource.expand)) {
    const { table: child, expansion } = table.related(key)
    const { name, parent, sorts, lagging } = child.resource
    if (lagging.length > 0) {
      fail(
        `${key} expands to ${name}, which lags, and would do so for as long as this answer lives`,
      )
    }
    if (expansion.kind === 'one') {
      table.columnName(expansion.column)
      if (child.primaryKey.length > 1) {
        fail(`${key} expands to one of ${name}, whose primary key has several columns`)
      }
    } else if (parent?.resource() !== resource || primaryKey.length > 1) {
      fail(`${key} expands to ${name}, which is no list below it`)
    } else if (plainSorts([sorts[0]]).length === 0) {
      fail(`${key} expands to ${name}, whose first sort needs a search`)
    }
  }
}
