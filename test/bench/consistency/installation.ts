import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { Client } from 'pg'
import { migrations } from '../../../migrations/index.ts'
import { createOrganisation } from '../../../shared/members/index.ts'
import { migrateUp } from '../../../shared/platform/database/migrate.ts'
import { send } from '../../../deploy/laptop/live-process.ts'
import { orphansIn } from '../../../deploy/laptop/postgres-cluster.ts'
import { startPostgres, type Postgres } from '../../../deploy/laptop/postgres.ts'
import { findRedisBinary, startRedis, type RedisServer } from '../../../deploy/laptop/redis.ts'
import { openBusiness } from '../../support/business.ts'
import { freePort } from '../../support/servers.ts'
import { organisationsCount } from './universe.ts'
import { firstStatements } from './writes.ts'

/** A PostgreSQL and a Redis of the checker's own, which may be killed and frozen. */
export type Installation = {
  /** A new database with all the cells at version 0, and the ids of its organisations. */
  createWorld(): Promise<{ readonly url: string; readonly organisationIds: readonly string[] }>
  readonly redisUrl: string | undefined
  /** The processes of the database, and what kills them all and brings the cluster back. */
  readonly postgres: { signal(name: NodeJS.Signals): void; restart(): Promise<void> }
  readonly redis: { signal(name: NodeJS.Signals): void; restart(): Promise<void> }
  close(): Promise<void>
}

/** Without fsync a crash of the processes loses nothing, and a write does not wait for the disk. Ids of transactions that
 *  nobody waited for are in memory longer, so that a crash gives them out again. */
const settings = [
  'fsync=off',
  'full_page_writes=off',
  'max_connections=120',
  'shared_buffers=64MB',
  'wal_writer_delay=10s',
]

export async function startInstallation(directory: string): Promise<Installation> {
  const place = { directory: join(directory, 'postgres'), port: await freePort(), password: 'test' }
  const binary = await findRedisBinary(process.env['PATH'] ?? '')
  const redisPort = await freePort()
  let postgres: Postgres = await startPostgres({ ...place, settings })
  let redis: RedisServer | undefined = binary === undefined ? undefined : await openRedis(binary)

  const template = databaseOf(postgres.url, 'template_cells')
  await execute(postgres.url, 'create database template_cells')
  const organisationIds = await prepare(template, false)
  let worlds = 0

  function openRedis(found: string): Promise<RedisServer> {
    return startRedis({
      binary: found,
      directory: join(directory, 'redis'),
      port: redisPort,
      settings: ['--save', '', '--appendonly', 'no'],
    })
  }
  function signalPostgres(name: NodeJS.Signals): void {
    orphansIn(realpathSync(place.directory)).forEach((pid) => send(pid, name))
  }
  function signalRedis(name: NodeJS.Signals): void {
    if (redis) {
      send(redis.pid, name)
    }
  }
  return {
    async createWorld() {
      const name = `cells_${(worlds += 1)}`
      await execute(postgres.url, `create database ${name} template template_cells`)
      const url = databaseOf(postgres.url, name)
      // a copy, whose transactions will have the ids of its twins', is another database
      await execute(url, 'select rotate_cache_epoch()')
      return { url, organisationIds }
    },
    redisUrl: redis?.url,
    postgres: {
      signal: signalPostgres,
      async restart() {
        signalPostgres('SIGKILL')
        await postgres.ended
        postgres = await startPostgres({ ...place, settings })
      },
    },
    redis: {
      signal: signalRedis,
      async restart() {
        if (redis && binary !== undefined) {
          signalRedis('SIGKILL')
          await redis.ended
          redis = await openRedis(binary)
        }
      },
    },
    async close() {
      signalRedis('SIGCONT')
      signalPostgres('SIGCONT')
      await Promise.all([postgres.stop(), redis?.stop()])
    },
  }
}

/** Tables and all the cells at version 0; returns the ids of the organisations.
 *  @param isMigrated the tables are there */
export async function prepare(url: string, isMigrated: boolean): Promise<readonly string[]> {
  if (!isMigrated) {
    await migrateUp(url, migrations)
  }
  const business = await openBusiness({ url, connectionsMax: 2 })
  try {
    const ids: string[] = []
    for (let place = 0; place < organisationsCount; place += 1) {
      ids.push(await createOrganisation(business, organisation(place)))
    }
    for (const statement of firstStatements(ids)) {
      await business.db.run(statement)
    }
    await business.db.run(sql`analyze payment_links, payment_link_items`)
    return ids
  } finally {
    await business.lifecycle.stop()
  }
}

function databaseOf(url: string, name: string): string {
  return Object.assign(new URL(url), { pathname: `/${name}` }).href
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

function organisation(place: number): Parameters<typeof createOrganisation>[1] {
  return {
    name: `Organisation ${place}`,
    slug: `organisation-${place}`,
    defaultCurrency: 'GBP',
    settlementAssets: ['EUR', 'USD', 'AUD', 'JPY'],
  }
}
