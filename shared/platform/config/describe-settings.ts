import {
  environmentOf,
  readSettings,
  type EnvironmentRecord,
  type Source,
} from './read-settings.ts'
import { standardOf, type ProcessKind, type Setting, type Settings } from './setting.ts'

/** One setting as it stands, safe to show. */
export type SettingState = {
  readonly name: string
  /** The text as it was given or its standard; `(secret)` in place of a secret; absent when there is none. */
  readonly value: string | undefined
  readonly source: 'standard' | 'unset' | `variable ${string}`
  readonly meaning: string
}

/** Says of every setting what holds and why, whether or not it is right. */
export function describeSettings(
  settings: Settings,
  variables: EnvironmentRecord,
  process: ProcessKind,
): readonly SettingState[] {
  const { sources } = readSettings(settings, variables, process)
  const environment = environmentOf(variables)
  return Object.entries(settings).map(([name, setting]) => {
    const source = sources[name] ?? { kind: 'unset' }
    const text =
      source.kind === 'variable' ? variables[source.name]?.trim() : standardOf(setting, environment)
    return { name, value: masked(setting, text), source: label(source), meaning: setting.meaning }
  })
}

function masked(setting: Setting, text: string | undefined): string | undefined {
  return setting.secret && text ? '(secret)' : text
}

function label(source: Source): SettingState['source'] {
  return source.kind === 'variable' ? `variable ${source.name}` : source.kind
}
