import type { FilterKind, Resource } from './define-resource.ts'

/** One query parameter that narrows a list. */
export type FilterParameter = {
  /** Empty for a search, which is about no single field. */
  readonly field: string
  readonly kind: 'equals' | 'oneOf' | 'from' | 'before' | 'prefix' | 'search'
}

/** The parameters that a resource's filters add: `status`, `createdFrom` and `createdBefore`, `slugPrefix`, `q`. */
export function filterParameters(
  resource: Pick<Resource, 'filters' | 'search'>,
): ReadonlyMap<string, FilterParameter> {
  return new Map([
    ...Object.entries(resource.filters).flatMap(([field, kind]) => parametersOf(field, kind)),
    ...(resource.search ? [['q', { field: '', kind: 'search' }] as const] : []),
  ])
}

function parametersOf(field: string, kind: FilterKind): [string, FilterParameter][] {
  if (kind === 'prefix') {
    return [[`${field}Prefix`, { field, kind }]]
  }
  if (kind !== 'range') {
    return [[field, { field, kind }]]
  }
  const stem = field.replace(/(At|On)$/, '')
  return [
    [`${stem}From`, { field, kind: 'from' }],
    [`${stem}Before`, { field, kind: 'before' }],
  ]
}
