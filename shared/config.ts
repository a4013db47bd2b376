import { ConfigError } from '#platform/config/config-error'
import { describeSettings, type SettingState } from '#platform/config/describe-settings'
import { platformConfig, type PlatformConfig } from '#platform/config/platform-config'
import { platformSections, platformSettings } from '#platform/config/platform-settings'
import { readSettings, type EnvironmentRecord } from '#platform/config/read-settings'
import { redisUrlOf } from '#platform/config/redis-url'
import { checkRules } from '#platform/config/rules'
import { defineSettings, type Fault, type ProcessKind } from '#platform/config/setting'
import manifest from '../package.json' with { type: 'json' }
import { checkFxRules, fxConfig, fxSettings, type FxConfig } from './fx/settings.ts'

/** Every variable that the product reads, platform and domains together. */
export const settings = defineSettings({ ...platformSettings, ...fxSettings })

/** The same by subject, for `.env.example` and docs/configuration.md. */
export const settingSections = [
  ...platformSections,
  { title: 'Exchange rates', settings: fxSettings },
]

/** The whole configuration of one process. Functions take the part that they use. */
export type Config = PlatformConfig & { readonly fx: FxConfig }

/** Reads the configuration once, at the start of a process.
 *  @throws {ConfigError} naming every fault, each with what to do about it */
export function readConfig(environment: EnvironmentRecord, kind: ProcessKind): Config {
  const { values, faults } = readSettings(settings, environment, kind)
  throwFaults([...faults, ...checkRules(values, environment), ...checkFxRules(values)])
  return { ...platformConfig(kind, manifest.version, values), fx: fxConfig(values) }
}

/** What `npm start` needs to know before there is a database; what is absent it brings itself, except in production. */
export type LaptopConfig = {
  readonly dataDirectory: string
  readonly databaseUrl: string | undefined
  /** Absent: start one when a server binary is found. Empty: run without Redis. */
  readonly redisUrl: string | undefined
  readonly isProduction: boolean
  readonly ports: { readonly api: number; readonly worker: number; readonly admin: number }
}

/** Reads what starting all processes on one machine needs.
 *  @throws {ConfigError} like `readConfig`, but DATABASE_URL may be left out outside production */
export function readLaptopConfig(environment: EnvironmentRecord): LaptopConfig {
  const reading = readSettings(settings, environment, 'api')
  const { values } = reading
  const mayEmbed = values.NODE_ENV !== 'production' && reading.sources.DATABASE_URL.kind === 'unset'
  const faults = reading.faults.filter(({ names }) => !(mayEmbed && names.includes('DATABASE_URL')))
  throwFaults([...faults, ...checkRules(values, environment), ...checkFxRules(values)])
  return {
    dataDirectory: values.DATA_DIR,
    databaseUrl: mayEmbed ? undefined : values.DATABASE_URL,
    redisUrl: values.REDIS_URL ?? redisUrlOf(values),
    isProduction: values.NODE_ENV === 'production',
    ports: { api: values.PORT, worker: values.WORKER_PORT, admin: values.ADMIN_PORT },
  }
}

/** Each setting with its value and where that came from, secrets masked; for `doctor` and the console. Never throws. */
export function describeConfig(
  environment: EnvironmentRecord,
  kind: ProcessKind,
): readonly SettingState[] {
  return describeSettings(settings, environment, kind)
}

function throwFaults(faults: readonly Fault[]): void {
  if (faults.length > 0) {
    throw new ConfigError(faults)
  }
}
