import { z } from 'zod'
import type { Resource } from './define-resource.ts'
import { filterParameters } from './filters.ts'

/** One way to narrow a list: what it is called, and parameters with values that its filters accept. */
export type Narrowing = {
  readonly name: string
  readonly parameters: Readonly<Record<string, string>>
}

/** What the filters of one kind or another accept. Which values are taken decides nothing: plans are made without them. */
const samples = [
  '1',
  '2',
  '00000000-0000-7000-8000-000000000001',
  '00000000-0000-7000-8000-000000000002',
  '2026-01-01T00:00:00Z',
  '2026-02-01T00:00:00Z',
]

type Filtered = Pick<Resource, 'name' | 'fields' | 'filters' | 'search'>

/** The parameters without which the list cannot be read, or not in this order. */
export function neededParameters(
  { sorts, ...resource }: Resource,
  sort = sorts[0].name,
): Readonly<Record<string, string>> {
  const isRanked = sort === '-relevance'
  const needed = new Set([...resource.filtersRequired, ...(isRanked ? ['q'] : [])])
  return Object.fromEntries([...needed].map((name) => [name, sampleOf(resource, name, 1)]))
}

/** Each filter alone that is not needed anyway: one value, where it takes a list also two, of a range both ends. */
export function narrowingsOf(resource: Resource): readonly Narrowing[] {
  const byField = Map.groupBy(filterParameters(resource), ([name, { field }]) => field || name)
  return [...byField].flatMap(([field, parameters]) => {
    const sampled = (count: number) =>
      Object.fromEntries(parameters.map(([name]) => [name, sampleOf(resource, name, count)]))
    const isNeeded = parameters.every(([name]) => resource.filtersRequired.includes(name))
    const isList = parameters.some(([, { kind }]) => kind === 'oneOf')
    return [
      ...(isNeeded ? [] : [{ name: field, parameters: sampled(1) }]),
      ...(isList ? [{ name: `several ${field}`, parameters: sampled(2) }] : []),
    ]
  })
}

function sampleOf(resource: Filtered, name: string, count: number): string {
  const field = filterParameters(resource).get(name)?.field ?? ''
  const parameter = resource.fields[field]?.parameter ?? z.string()
  const options = parameter instanceof z.ZodEnum ? parameter.options.map(String) : samples
  const accepted = options.filter((value) => parameter.safeParse(value).success)
  if (accepted.length === 0) {
    throw new Error(`no sample value is accepted by the filter ${name} of ${resource.name}`)
  }
  return accepted.slice(0, count).join(',')
}
