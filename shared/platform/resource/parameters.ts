import { Problem, type Fault } from '../problem.ts'
import type { FilterKind, Resource } from './define-resource.ts'
import type { Condition } from './list-query.ts'
import { nearest } from './nearest.ts'
import { problems } from './problems.ts'

/** The parameters of one query string. Reading them collects every fault; `finish` throws them together. */
export class Parameters {
  readonly #resource: Resource
  readonly #filters: ReadonlyMap<string, FilterParameter>
  readonly #values = new Map<string, string>()
  readonly #faults: Fault[] = []

  /** @param known the parameters that are allowed beside the resource's filters */
  constructor(resource: Resource, search: string, known: readonly string[]) {
    this.#resource = resource
    this.#filters = filterParameters(resource)
    const names = [...known, ...this.#filters.keys()]
    for (const [name, value] of new URLSearchParams(search)) {
      if (!names.includes(name)) {
        this.#fail(name, `unknown parameter${didYouMean(name, names)}`)
      } else if (this.#values.has(name)) {
        this.#fail(name, 'given more than once')
      }
      this.#values.set(name, value)
    }
  }

  single(name: string): string | undefined {
    return this.#values.get(name)
  }

  /** A whole number from 1; one above `max` is taken as `max` (AIP-158). */
  whole(name: string, max: number): number | undefined {
    const value = this.single(name)
    if (value !== undefined && !/^[1-9]\d{0,30}$/.test(value)) {
      return this.#fail(name, 'must be a whole number from 1')
    }
    return value === undefined ? undefined : Math.min(Number(value), max)
  }

  choice(name: string, allowed: readonly string[]): string | undefined {
    const value = this.single(name)
    const isFine = value === undefined || allowed.includes(value)
    return isFine ? value : this.#fail(name, `must be one of ${allowed.join(', ')}`)
  }

  /** The asked-for fields in the resource's own order. */
  fields(): readonly string[] | undefined {
    const names = this.single('fields')?.split(',')
    const all = Object.keys(this.#resource.fields)
    for (const name of (names ?? []).filter((one) => !all.includes(one)).slice(0, 10)) {
      this.#fail('fields', `unknown field "${name.slice(0, 40)}"${didYouMean(name, all)}`)
    }
    return names && all.filter((name) => names.includes(name))
  }

  conditions(): readonly Condition[] {
    for (const name of this.#resource.filtersRequired) {
      if (!this.#values.has(name)) {
        this.#fail(name, 'this list needs it')
      }
    }
    return [...this.#filters].flatMap(([name, filter]) => {
      const text = this.single(name)
      return text === undefined ? [] : [this.#condition(name, filter, text)]
    })
  }

  /** @throws {Problem} read/invalid-query with every fault that was met */
  finish(): void {
    if (this.#faults.length > 0) {
      const told = this.#faults.map(({ pointer, detail }) => `${pointer.slice(8)}: ${detail}`)
      const faults = this.#faults
      throw new Problem(problems.invalidQuery, `${told.slice(0, 5).join('; ')}.`, { faults })
    }
  }

  #condition(name: string, filter: FilterParameter, text: string): Condition {
    const { field, operator, isList } = filter
    const parameter = this.#resource.fields[field]?.parameter
    const values = new Set<string>()
    const texts = isList ? text.split(',') : [text]
    if (texts.length > listMax) {
      this.#fail(name, `at most ${listMax} values`)
    }
    for (const one of texts.slice(0, listMax)) {
      const parsed = parameter?.safeParse(one)
      if (parsed?.success) {
        values.add(parsed.data)
      } else {
        this.#fail(name, parsed?.error.issues[0]?.message ?? 'cannot be filtered by')
      }
    }
    return { field, operator, values: [...values].toSorted() }
  }

  #fail(name: string, detail: string): undefined {
    if (this.#faults.length < faultsMax) {
      this.#faults.push({ detail, pointer: `#/query/${name.slice(0, 60)}` })
    }
  }
}

/** Values of one `oneOf` filter. */
const listMax = 100
/** Faults that one answer lists. */
const faultsMax = 20

type FilterParameter = Pick<Condition, 'field' | 'operator'> & { readonly isList: boolean }

/** The parameters that a resource's filters add: `status`, `createdFrom` and `createdBefore` … */
export function filterParameters(
  resource: Pick<Resource, 'filters'>,
): ReadonlyMap<string, FilterParameter> {
  return new Map(
    Object.entries(resource.filters).flatMap(([field, kind]) => parametersOf(field, kind)),
  )
}

function parametersOf(field: string, kind: FilterKind): [string, FilterParameter][] {
  if (kind === 'range') {
    const stem = field.replace(/(At|On)$/, '')
    return [
      [`${stem}From`, { field, operator: 'from', isList: false }],
      [`${stem}Before`, { field, operator: 'before', isList: false }],
    ]
  }
  return [[field, { field, operator: 'in', isList: kind === 'oneOf' }]]
}

function didYouMean(name: string, known: readonly string[]): string {
  const candidate = nearest(name, known)
  return candidate ? `; did you mean "${candidate}"?` : ''
}
