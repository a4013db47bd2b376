import { Problem, type Fault } from '../problem.ts'
import type { Resource } from './define-resource.ts'
import { filterParameters, type FilterParameter } from './filters.ts'
import type { Condition } from './list-query.ts'
import { nearest } from './nearest.ts'
import { problems } from './problems.ts'
import { refuseManyParameters } from './refuse-many-parameters.ts'
import { prefixEnd, searchText } from './search-text.ts'
import { readSelection, type Selection } from './selection.ts'

/** The parameters of one query string. Reading them collects every fault; `finish` throws them together. */
export class Parameters {
  readonly #resource: Resource
  readonly #filters: ReadonlyMap<string, FilterParameter>
  readonly #values = new Map<string, string>()
  readonly #faults: Fault[] = []

  /** @param known the parameters that are allowed beside the resource's filters
   *  @throws {Problem} read/invalid-query where there are too many to look at */
  constructor(resource: Resource, search: string, known: readonly string[]) {
    refuseManyParameters(search)
    this.#resource = resource
    this.#filters = filterParameters(resource)
    const names = [...known, ...this.#filters.keys()]
    const written = search.split('&').filter((one) => one !== '')
    for (const [name, value] of new URLSearchParams(search)) {
      const isReadable = isDecodable(written.shift() ?? '')
      if (!names.includes(name)) {
        this.#fail(name, `unknown parameter${didYouMean(name, names)}`)
      } else if (this.#values.has(name)) {
        this.#fail(name, 'given more than once')
      } else if (!isReadable) {
        this.#fail(name, 'must be percent-encoded UTF-8')
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

  choice<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const value = this.single(name)
    const found = allowed.find((one) => one === value)
    return value === undefined || found !== undefined
      ? found
      : this.#fail(name, `must be one of ${allowed.join(', ')}`)
  }

  /** What of an item is asked for: `fields` and `expand`. */
  selection(): Selection {
    const wanted = { fields: this.single('fields'), expand: this.single('expand') }
    const told = new Map<string, number>()
    return readSelection(this.#resource, wanted, (name, detail, known = []) => {
      const count = (told.get(name) ?? 0) + 1
      told.set(name, count)
      const mistyped = /"([^"]*)"/.exec(detail)?.[1]?.split('.').at(-1)
      if (count <= selectionFaultsMax) {
        this.#fail(name, detail + (mistyped === undefined ? '' : didYouMean(mistyped, known)))
      }
    })
  }

  conditions(): readonly Condition[] {
    for (const name of this.#resource.filtersRequired) {
      if (!this.#values.has(name)) {
        this.#fail(name, 'this list needs it')
      }
    }
    return [...this.#filters].flatMap(([name, filter]) => {
      const text = this.single(name)
      return text === undefined ? [] : this.#conditions(name, filter, text)
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

  #conditions(name: string, filter: FilterParameter, text: string): readonly Condition[] {
    const { field, kind } = filter
    const isList = kind === 'oneOf'
    const parameter = kind === 'search' ? searchText : this.#resource.fields[field]?.parameter
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
    return conditionsOf(filter, [...values].toSorted())
  }

  #fail(name: string, detail: string): undefined {
    if (this.#faults.length < faultsMax) {
      this.#faults.push({ detail, pointer: `#/query/${name.slice(0, 60)}` })
    }
  }
}

/** Values of one `oneOf` filter. */
const listMax = 100
/** Faults that one answer lists about `fields` or `expand`. */
const selectionFaultsMax = 10
/** Faults that one answer lists. */
const faultsMax = 20

function conditionsOf({ field, kind }: FilterParameter, values: readonly string[]): Condition[] {
  if (kind !== 'prefix') {
    const operator = kind === 'equals' || kind === 'oneOf' ? 'in' : kind
    return [{ field, operator, values }]
  }
  const [start = ''] = values
  const end = prefixEnd(start)
  return [
    { field, operator: 'from', values: [start] },
    ...(end === undefined ? [] : [{ field, operator: 'before', values: [end] } as const]),
  ]
}

/** What is no UTF-8 would otherwise be read as U+FFFD, and a broken escape as itself. */
function isDecodable(written: string): boolean {
  try {
    return !written.includes('%') || decodeURIComponent(written) !== ''
  } catch {
    return false
  }
}

function didYouMean(name: string, known: readonly string[]): string {
  const candidate = nearest(name, known)
  return candidate ? `; did you mean "${candidate}"?` : ''
}
