import type { z } from 'zod'

/** What a process is for; `tool` is a command that runs once (migrate, seed, setup, doctor). */
export const processKinds = ['api', 'worker', 'admin', 'tool'] as const
export type ProcessKind = (typeof processKinds)[number]

/** Where the product runs. Anything that is not production may fall back to values that are only good for a laptop. */
export const environments = ['development', 'test', 'production'] as const
export type Environment = (typeof environments)[number]

/**
 * One variable of the environment, described as data: the reader, `.env.example` and the documentation table are made from it.
 * The text that stands for "not given" goes through the same schema as the text an operator writes.
 */
export type Setting = {
  /** From the text of the variable, trimmed. Its `description` says what the text must be; messages never repeat the value. */
  readonly schema: z.ZodType<unknown, string>
  /** One or two sentences: what it decides. */
  readonly meaning: string
  /** Other names that mean the same. Two of them set to different values is a fault that names both. */
  readonly synonyms?: readonly string[]
  /** The text used when the variable is not set: always, or only where `development` values are good enough. */
  readonly standard?: string | { readonly development: string; readonly production?: string }
  /** Missing is a fault in every environment. */
  readonly required?: true
  /** Missing is a fault in production, for these kinds of process. */
  readonly productionRequired?: readonly ProcessKind[]
  /** Never shown, logged or repeated in a fault. */
  readonly secret?: true
  /** An empty text is a value of its own (`REDIS_URL=` means no Redis) and not the same as leaving it out. */
  readonly emptyIsValue?: true
  readonly unit?: 'ms' | 's' | 'bytes' | 'connections' | 'ratio'
  readonly example?: string
  /** Read and checked today; takes effect together with the capability named here. */
  readonly comesWith?: string
}

/** Settings by the name of their variable. */
export type Settings = Readonly<Record<string, Setting>>

type Given<S extends Setting> = S extends
  | { readonly standard: unknown }
  | { readonly required: true }
  ? never
  : undefined

/** What reading gives: the parsed value of each setting, `undefined` where it may be left out. */
export type Values<S extends Settings> = {
  readonly [Name in keyof S]:
    | (S[Name]['schema'] extends z.ZodType<infer Value, string> ? Value : never)
    | Given<S[Name]>
}

/** One thing that is wrong with the environment: the variables concerned, what is wrong, and what to do about it. */
export type Fault = {
  readonly names: readonly string[]
  readonly problem: string
  readonly fix: string
}

/** Keeps the exact type of each schema while checking the form of the declaration. */
export function defineSettings<const S extends Settings>(settings: S): S {
  return settings
}

/** The text that stands for a variable that is not set, if there is one. */
export function standardOf(setting: Setting, environment: Environment): string | undefined {
  const { standard } = setting
  if (typeof standard !== 'object') {
    return standard
  }
  return environment === 'production' ? standard.production : standard.development
}
