import { isAbsolute, join } from 'node:path'
import { readLaptopConfig } from '#config'
import { environmentOf } from '#platform/config/read-settings'

/** What `npm start` uses of the environment; the processes read the rest themselves. */
export type Settings = {
  readonly isProduction: boolean
  readonly ports: Ports
  readonly dataDirectory: string
  /** Undefined: the embedded one. */
  readonly databaseUrl: string | undefined
  /** Undefined: one of our own if a binary is on PATH. Empty: no Redis. */
  readonly redisUrl: string | undefined
  readonly path: string
}

export type Ports = { readonly api: number; readonly worker: number; readonly admin: number }
export type Environment = Readonly<Record<string, string | undefined>>

/** An error whose message is all that a person needs; shown without its stack. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}

/** The variable that sets each process's port. */
export const portVariables = { api: 'PORT', worker: 'WORKER_PORT', admin: 'ADMIN_PORT' } as const

/** Parses the environment, every setting of the product included, so that no process refuses later what can be said now.
 *  @throws {ConfigError} that names every fault at once
 *  @throws {Refusal} when two processes would listen on one port */
export function readSettings(env: Environment, root: string): Settings {
  const config = readLaptopConfig(env)
  const directory = config.dataDirectory
  const ports = { api: config.api.port, worker: config.worker.port, admin: config.admin.port }
  refuseSamePort(ports)
  return {
    isProduction: environmentOf(env) === 'production',
    ports,
    dataDirectory: isAbsolute(directory) ? directory : join(root, directory),
    databaseUrl: config.databaseUrl,
    redisUrl: config.redisUrl,
    path: env['PATH'] ?? '',
  }
}

function refuseSamePort(ports: Ports): void {
  if (new Set(Object.values(ports)).size < 3) {
    throw new Refusal(
      `PORT, WORKER_PORT and ADMIN_PORT must differ; they are ${ports.api}, ${ports.worker} and ${ports.admin}`,
    )
  }
}
