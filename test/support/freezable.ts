import { realpathSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrations } from '#migrations'
import { migrateUp } from '#platform/database/migrate'
import { startPostgres } from '../../deploy/laptop/postgres.ts'
import { orphansIn } from '../../deploy/laptop/postgres-cluster.ts'
import { findRedisBinary, startRedis } from '../../deploy/laptop/redis.ts'
import { addTenant, openBusiness } from './business.ts'
import { startChild, type Child } from './child.ts'
import { freePort } from './servers.ts'

export type Dependency = 'redis' | 'postgres'

/** A real API process with servers of its own, which can be frozen. */
export type Freezable = {
  readonly origin: string
  readonly secretKey: string
  readonly child: Child
  freeze(what: Dependency): void
  /** Lets both go on. */
  thaw(): void
  close(): Promise<void>
}

/** Undefined on a machine without a Redis binary. */
export async function openFreezable(): Promise<Freezable | undefined> {
  const binary = await findRedisBinary(process.env['PATH'] ?? '')
  if (binary === undefined) {
    return undefined
  }
  const directory = await mkdtemp(join(tmpdir(), 'tidegate-health-'))
  await chmod(directory, 0o755)
  const cluster = join(directory, 'postgres')
  const postgres = await startPostgres({
    directory: cluster,
    port: await freePort(),
    password: 'test',
    settings: ['fsync=off', 'shared_buffers=32MB', 'max_connections=60'],
  })
  const port = await freePort()
  const redis = await startRedis({ binary, directory: join(directory, 'redis'), port })
  await migrateUp(postgres.url, migrations)
  const business = await openBusiness({ url: postgres.url })
  const { secretKey } = await addTenant(business, 'harbour')
  await business.lifecycle.stop()
  const apiPort = String(await freePort())
  const child = await startChild('api', {
    DATABASE_URL: postgres.url,
    REDIS_URL: redis.url,
    PORT: apiPort,
    FX_PROVIDERS: 'demo-replay',
  })

  /** The postmaster alone would go on with the connections that it has. */
  const pidsOf = (what: Dependency): readonly number[] =>
    what === 'redis' ? [redis.pid] : orphansIn(realpathSync(cluster))
  const send = (what: Dependency, signal: 'SIGSTOP' | 'SIGCONT'): void =>
    pidsOf(what).forEach((pid) => void process.kill(pid, signal))
  const thaw = (): void => {
    send('postgres', 'SIGCONT')
    send('redis', 'SIGCONT')
  }
  return {
    origin: `http://127.0.0.1:${apiPort}`,
    secretKey,
    child,
    freeze: (what) => send(what, 'SIGSTOP'),
    thaw,
    async close() {
      thaw()
      await child.stop()
      await redis.stop()
      await postgres.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
