import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { once } from 'node:events'
import { Client } from 'pg'
import { migrations } from '#migrations'
import { migrateUp } from '#platform/database/migrate'
import { startPostgres } from '../../deploy/laptop/postgres.ts'
import { findRedisBinary, startRedis } from '../../deploy/laptop/redis.ts'
import { openRunDirectory } from './run-directory.ts'

/** Where the servers of this run listen; handed to the spec files through the environment. */
const names = { admin: 'TIDEGATE_TEST_POSTGRES', redis: 'TIDEGATE_TEST_REDIS' } as const

const undo: (() => Promise<void>)[] = []

/** Throw-away servers of this run on free ports: Postgres always, Redis when a binary is on PATH.
 *  @param more settings of Postgres, `name=value`  @param parent where their files are; among temporary files unless said so */
export async function startServers(more: readonly string[] = [], parent?: string): Promise<void> {
  const directory = await openRunDirectory(parent)
  undo.push(() => rm(directory, { recursive: true, force: true }))
  const postgres = await startPostgres({
    directory: join(directory, 'postgres'),
    port: await freePort(),
    password: 'test',
    settings: [
      'fsync=off',
      'synchronous_commit=off',
      'full_page_writes=off',
      'max_connections=200',
      ...more,
    ],
  })
  undo.push(() => postgres.stop())
  process.env[names.admin] = postgres.url
  await createTemplate(postgres.url)
  const binary = await findRedisBinary(process.env['PATH'] ?? '')
  if (binary) {
    const settings = ['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction']
    const port = await freePort()
    const redis = await startRedis({ binary, directory: join(directory, 'redis'), port, settings })
    undo.push(() => redis.stop())
    process.env[names.redis] = redis.url
  }
}

export async function stopServers(): Promise<void> {
  for (const stop of undo.toReversed()) {
    await stop()
  }
}

/** The run's own Redis, or undefined on a machine without a Redis binary. */
export function redisUrl(): string | undefined {
  return process.env[names.redis]
}

/** A new database, migrated and empty, for one spec file. */
export async function createDatabase(template = 'template_migrated'): Promise<string> {
  const name = `test_${process.pid}_${(count += 1)}`
  const url = new URL(adminUrl())
  await execute(url.href, `create database ${name} template ${template} strategy file_copy`)
  created.push(name)
  url.pathname = `/${name}`
  return url.href
}
let count = 0
const created: string[] = []

/** Removes the databases that this process has made, whoever is still connected to them. */
export async function dropDatabases(): Promise<void> {
  const statements = created.splice(0).map((name) => `drop database if exists ${name} with (force)`)
  if (statements.length > 0) {
    await execute(adminUrl(), ...statements)
  }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') {
    throw new Error('no port was given')
  }
  return address.port
}

async function createTemplate(url: string): Promise<void> {
  await execute(url, 'create database template_migrated')
  const template = new URL(url)
  template.pathname = '/template_migrated'
  await migrateUp(template.href, migrations)
}

async function execute(url: string, ...statements: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    for (const statement of statements) {
      await client.query(statement)
    }
  } finally {
    await client.end()
  }
}

/** The maintenance database of the run's own Postgres. */
export function adminUrl(): string {
  const url = process.env[names.admin]
  if (!url) {
    throw new Error('the test servers are not running; start specs with npm test')
  }
  return url
}
