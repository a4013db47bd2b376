import { createHash } from 'node:crypto'
import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from './ports.ts'
import { stopOrphans } from './postgres-cluster.ts'
import { startPostgres, type Postgres } from './postgres.ts'
import { findRedisBinary, redisVersion, startRedis, type RedisServer } from './redis.ts'
import type { Secrets } from './secrets.ts'

export type EmbeddedOptions = {
  /** Real path of DATA_DIR. */
  readonly directory: string
  readonly secrets: Secrets
  readonly areSecretsNew: boolean
  readonly signal: AbortSignal
}

/** A database that survives a crash, sized for a laptop: the three processes open at most 90 connections. */
export async function embedPostgres(options: EmbeddedOptions): Promise<Postgres> {
  const { directory, secrets, areSecretsNew, signal } = options
  const cluster = join(directory, 'postgres')
  if (existsSync(cluster)) {
    await stopOrphans(realpathSync(cluster)) // it would hold the port that is ours
  }
  return onFreePort(directory, 'postgres', (port) =>
    startPostgres({
      directory: cluster,
      port,
      password: secrets.postgresPassword,
      isPasswordNew: areSecretsNew,
      settings: ['max_connections=120'],
      logFile: join(directory, 'logs', 'postgres.log'),
      signal,
    }),
  )
}

/** A Redis fit for queues: it keeps what it is given and never evicts. Undefined when there is no usable binary on PATH. */
export async function embedRedis(
  options: EmbeddedOptions,
  path: string,
): Promise<RedisServer | undefined> {
  const { directory, secrets, signal } = options
  const binary = await findRedisBinary(path)
  if (binary === undefined || !isRecent(await redisVersion(binary))) {
    return undefined
  }
  return onFreePort(directory, 'redis', (port) =>
    startRedis({
      binary,
      directory: join(directory, 'redis'),
      port,
      password: secrets.redisPassword,
      settings: ['--appendonly', 'yes', '--save', '', '--maxmemory-policy', 'noeviction'],
      logFile: join(directory, 'logs', 'redis.log'),
      signal,
    }),
  )
}

/** BullMQ recommends 6.2, ioredis 6 speaks RESP3. */
export function isRecent(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 6 || (major === 6 && minor >= 2)
}

/** The same port at every start unless somebody has it, so that a database browser stays connected.
 *  Below the ephemeral range (32768 on Linux), where outgoing connections would take it. */
async function onFreePort<T>(
  directory: string,
  name: string,
  start: (port: number) => Promise<T>,
): Promise<T> {
  const hash = createHash('sha256').update(`${directory}/${name}`).digest()
  const preferred = 20_000 + (hash.readUInt16BE() % 12_000)
  try {
    return await start(await freePort(preferred))
  } catch (error) {
    // Taken between the look and the start: once more, anywhere.
    if (error instanceof Error && /address already in use/i.test(error.message)) {
      return start(await freePort())
    }
    throw error
  }
}
