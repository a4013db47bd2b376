import { AsyncResource } from 'node:async_hooks'
import {
  LATEST_SCHEMA_VERSION,
  SchemaMigrationRequiredError,
  assertSchemaCompatibility,
  createPostgresBackend,
  runMigrations,
  withBackend,
  type PgPool,
} from 'bullmq'
import { Client, Pool, type PoolClient } from 'pg'
import type { Lifecycle } from '../lifecycle.ts'
import type { Log } from '../log.ts'
import { queueTelemetry } from '../telemetry/queue-telemetry.ts'
import type { QueueBackend } from './backend.ts'

/** BullMQ's own tables live apart from ours. */
const schema = 'bullmq'

/** Every worker keeps one connection for LISTEN; so many more are for short statements. */
const statementConnections = 3

/** The queues inside the database, for installations without Redis. One small pool for all queues of the process,
 *  since BullMQ would open one per queue and per worker. */
export async function openPostgresBackend(
  { url, workersCount }: { readonly url: string; readonly workersCount: number },
  { log, lifecycle }: { readonly log: Log; readonly lifecycle: Lifecycle },
): Promise<QueueBackend> {
  await migrateQueues(url)
  const connectionsMax = workersCount + statementConnections
  const pool = new QueuePool({
    connectionString: url,
    options: `-c search_path=${schema}`,
    application_name: 'tidegate-queue',
    max: connectionsMax,
    connectionTimeoutMillis: 2000,
    idleTimeoutMillis: 30_000,
    statement_timeout: 10_000,
    query_timeout: 11_000,
    keepAlive: true,
  })
  lifecycle.defer('queue pool', () => pool.end())
  pool.on('error', (error) => log.warn({ err: error }, 'queue connection lost'))
  const { Queue, Worker } = withBackend(createPostgresBackend)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- BullMQ's narrow description of a pg.Pool, which its documentation accepts, does not fit @types/pg's overloads
  const connection = pool as unknown as PgPool
  const shared = { connection, telemetry: queueTelemetry() }
  let workersOpen = 0

  return {
    kind: 'postgres',
    queue(name) {
      const queue = new Queue(name, shared)
      queue.on('error', (error) => log.debug({ err: error, queue: name }, 'queue error'))
      return queue
    },
    worker(name, processor, settings) {
      workersOpen += 1
      if (workersOpen > workersCount) {
        throw new Error(`queues were opened for ${workersCount} workers, not ${workersOpen}`)
      }
      return new Worker(name, (job, token, signal) => processor(job, token, signal), {
        ...shared,
        ...settings,
      })
    },
    async ping() {
      await pool.query('select 1')
    },
    onReturn: () => {},
  }
}

type Connected = Parameters<Pool['connect']>[0]

/** Whoever gives a connection back runs what waits for one. What waits belongs to the trace of who asked, and not to that. */
class QueuePool extends Pool {
  override connect(): Promise<PoolClient>
  override connect(callback: Connected): void
  override connect(callback?: Connected): Promise<PoolClient> | void {
    return callback ? super.connect(AsyncResource.bind(callback)) : super.connect()
  }
}

/** Creates or updates BullMQ's tables when they are not what this version needs. Safe from several processes at once. */
export async function migrateQueues(url: string): Promise<void> {
  const client = new Client({ connectionString: url, application_name: 'tidegate-queue-migrate' })
  await client.connect()
  try {
    if ((await installedVersion(client)) < LATEST_SCHEMA_VERSION) {
      await runMigrations(client, schema)
    }
  } finally {
    await client.end()
  }
}

async function installedVersion(client: Client): Promise<number> {
  try {
    return await assertSchemaCompatibility(client, schema)
  } catch (error) {
    if (error instanceof SchemaMigrationRequiredError) {
      return 0
    }
    throw error
  }
}
