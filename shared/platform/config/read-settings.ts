import { isDeepStrictEqual } from 'node:util'
import {
  environments,
  standardOf,
  type Environment,
  type Fault,
  type ProcessKind,
  type Setting,
  type Settings,
  type Values,
} from './setting.ts'

/** The variables of a process, as `process.env` has them. */
export type EnvironmentRecord = Readonly<Record<string, string | undefined>>

/** Where a value came from: the variable that was set, the declared standard, or nowhere. */
export type Source =
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'standard' }
  | { readonly kind: 'unset' }

export type Reading<S extends Settings> = {
  /** Complete only when there is no fault. */
  readonly values: Values<S>
  readonly sources: { readonly [Name in keyof S]: Source }
  readonly faults: readonly Fault[]
}

/** Reads every setting from the environment and finds every fault, not only the first. Never throws.
 *  @param process decides which settings production requires */
export function readSettings<const S extends Settings>(
  settings: S,
  variables: EnvironmentRecord,
  process: ProcessKind,
): Reading<S> {
  const environment = environmentOf(variables)
  const values: Record<string, unknown> = {}
  const sources: Record<string, Source> = {}
  const faults: Fault[] = []
  for (const [name, setting] of Object.entries(settings)) {
    const one = readOne({ name, setting, variables, environment, process })
    values[name] = one.value
    sources[name] = one.source
    faults.push(...one.faults)
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- filled key by key from the very settings that type it
  return { values, sources, faults } as Reading<S>
}

/** What `NODE_ENV` says; anything unknown is a fault of its own and meanwhile treated as production. */
export function environmentOf(variables: EnvironmentRecord): Environment {
  const text = variables['NODE_ENV']?.trim() ?? ''
  return text === ''
    ? 'development'
    : (environments.find((environment) => environment === text) ?? 'production')
}

type Question = {
  readonly name: string
  readonly setting: Setting
  readonly variables: EnvironmentRecord
  readonly environment: Environment
  readonly process: ProcessKind
}

type Answer = {
  readonly value?: unknown
  readonly source: Source
  readonly faults: readonly Fault[]
}

function readOne(question: Question): Answer {
  const { name, setting, variables } = question
  const given = [name, ...(setting.synonyms ?? [])].flatMap((synonym) => {
    const text = variables[synonym]?.trim()
    const isSet = text !== undefined && (text !== '' || setting.emptyIsValue === true)
    return isSet ? [{ name: synonym, text, ...parse(setting, text) }] : []
  })
  const [first] = given
  if (!first) {
    return readStandard(question)
  }
  const source: Source = { kind: 'variable', name: first.name }
  const faults: Fault[] = given.flatMap((one) =>
    one.why === undefined
      ? []
      : [{ names: [one.name], problem: shown(setting, one.text, one.why), fix: advice(question) }],
  )
  const isAgreed = given.every((one) => isDeepStrictEqual(one.value, first.value))
  if (faults.length === 0 && !isAgreed) {
    faults.push({
      names: given.map((one) => one.name),
      problem: 'mean the same and are set to different values',
      fix: `keep ${first.name} and remove the other`,
    })
  }
  if (isLaptopSecret(question, first.text)) {
    faults.push({
      names: [first.name],
      problem: 'is the value for laptops, which everybody knows',
      fix: advice(question),
    })
  }
  return { value: first.value, source, faults }
}

function readStandard(question: Question): Answer {
  const { name, setting, environment, process } = question
  const standard = standardOf(setting, environment)
  if (standard !== undefined) {
    return { ...parse(setting, standard), source: { kind: 'standard' }, faults: [] }
  }
  const isRequired =
    setting.required === true ||
    (environment === 'production' && setting.productionRequired?.includes(process) === true)
  const problem =
    environment === 'production' ? 'is not set, and production has no default for it' : 'is not set'
  return {
    source: { kind: 'unset' },
    faults: isRequired ? [{ names: [name], problem, fix: advice(question) }] : [],
  }
}

function parse(
  setting: Setting,
  text: string,
): { readonly value?: unknown; readonly why?: string } {
  const result = setting.schema.safeParse(text)
  return result.success
    ? { value: result.data }
    : { why: result.error.issues.map((issue) => issue.message).join('; ') }
}

function shown(setting: Setting, text: string, why: string): string {
  return setting.secret
    ? `has a value (not shown) that ${why}`
    : `is ${JSON.stringify(text)}: ${why}`
}

/** What to write instead, in words that hold for every setting. */
function advice({ setting, environment }: Question): string {
  const standard = setting.secret ? undefined : standardOf(setting, environment)
  const how =
    setting.example === undefined ? 'correct it' : `set it, for example, to ${setting.example}`
  return standard === undefined ? how : `${how}, or leave it out for ${standard || 'none'}`
}

function isLaptopSecret({ setting, environment }: Question, text: string): boolean {
  return (
    setting.secret === true &&
    environment === 'production' &&
    text === standardOf(setting, 'development')
  )
}
