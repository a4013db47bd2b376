import { isAbsolute, join } from 'node:path'
import { readLaptopConfig, type LaptopConfig } from '#config'

/** What `npm start` uses of the environment; the processes read the rest themselves. */
export type Settings = LaptopConfig & { readonly path: string }

export type Ports = LaptopConfig['ports']
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
  refuseSamePort(config.ports)
  const { dataDirectory } = config
  return {
    ...config,
    dataDirectory: isAbsolute(dataDirectory) ? dataDirectory : join(root, dataDirectory),
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
