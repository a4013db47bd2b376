import { MikroORM, type EntityManager, type Options } from '@mikro-orm/postgresql'
import { CompiledQuery, type RawBuilder } from 'kysely'
import type pg from 'pg'
import { systemClock, type Clock } from '../clock.ts'
import type { Lifecycle } from '../lifecycle.ts'
import type { Log } from '../log.ts'
import { BoundPostgreSqlDriver } from './bound-driver.ts'
import { ColumnNames } from './column-names.ts'
import { discardLostConnections } from './lost-connections.ts'
import { measureWaits, type PoolWaits } from './pool-waits.ts'
import type { SlowLimits } from './slow-statements.ts'
import { StatementWatch, type NamedQuery } from './statement-watch.ts'

/** Everything that decides how the pool behaves; units are milliseconds and connections. */
export type DatabaseOptions = Partial<SlowLimits> & {
  readonly url: string
  /** Shown in `pg_stat_activity`, one per process kind. */
  readonly applicationName: string
  readonly connectionsMax: number
  /** How long a request waits for a free connection before it fails with 503. */
  readonly acquireTimeoutMs: number
  readonly idleTimeoutMs: number
  /** The server's own limit for one statement; below `queryTimeoutMs`, so that it fires first. */
  readonly statementTimeoutMs: number
  /** The client's limit, for a server that no longer answers at all; the connection is then destroyed. */
  readonly queryTimeoutMs: number
  readonly lockTimeoutMs: number
  readonly idleInTransactionTimeoutMs: number
}

export type PoolStatistics = {
  readonly active: number
  readonly idle: number
  readonly waiting: number
  readonly max: number
}

/** One way to run a statement, the same inside a transaction and outside. */
export type Runner = {
  /** Runs one statement with bind parameters and returns its rows.
   *  bigint, numeric and timestamptz arrive as text, so that nothing is rounded on the way. */
  readonly run: <Row>(statement: RawBuilder<Row>) => Promise<readonly Row[]>
}

/** Runs statements that were compiled before. */
export type PreparedRunner = {
  /** Under its name PostgreSQL keeps the plan of a statement, connection by connection. */
  readonly read: <Row>(statement: Prepared<Row>) => Promise<readonly Row[]>
}

/** A compiled statement with its values. `Row` is what it gives, by the word of whoever compiled it. */
export type Prepared<Row> = NamedQuery & {
  readonly text: string
  readonly values: readonly unknown[]
  readonly name?: string
  readonly row?: Row
}

export type Database = Runner &
  PreparedRunner & {
    /** A fresh unit of work. Never shared between requests. */
    fork(): EntityManager
    statistics(): PoolStatistics
    /** How long connections of the pool were waited for. */
    readonly waits: PoolWaits
    /** What the statements of the pool took, and which requests sent them. */
    readonly watch: StatementWatch
    /** The real pool, for tests that assert its settings and for its metrics. */
    readonly pool: pg.Pool
    readonly orm: MikroORM
  }

/** The explicit list of entities; shared/entities.ts in every process. */
export type Entities = readonly NonNullable<Options['entities']>[number][]

type DatabaseNeeds = {
  readonly log: Log
  readonly lifecycle: Lifecycle
  /** Measures the statements; the system's when left out. */
  readonly clock?: Clock
}

/** What a statement may take before it is told of, where nothing else is said. */
const slowStatements: SlowLimits = { slowLogMs: 100, slowAlertMs: 500 }

/** Opens the pool lazily: the first statement connects. Closes with the lifecycle. */
export async function openDatabase(
  options: DatabaseOptions,
  entities: Entities,
  { log, lifecycle, clock = systemClock }: DatabaseNeeds,
): Promise<Database> {
  const opened = Promise.withResolvers<pg.Pool>()
  const orm = await MikroORM.init({
    driver: BoundPostgreSqlDriver,
    clientUrl: options.url,
    entities: [...entities],
    ensureDatabase: false,
    namingStrategy: ColumnNames,
    discovery: { warnWhenNoEntities: false },
    logger: (message) => log.warn({ source: 'orm' }, message),
    driverOptions: { ...poolOptions(options), onPoolCreated: opened.resolve },
  })
  lifecycle.defer('database', () => orm.close(true))
  orm.em.getConnection()
  orm.em.fork().getKysely()
  const pool = await opened.promise
  discardLostConnections(pool)
  const waits = measureWaits(pool, clock)
  const watch = new StatementWatch({ ...slowStatements, ...options }, { clock, log })
  watch.attach(pool)
  return {
    orm,
    pool,
    waits,
    watch,
    fork: () => orm.em.fork(),
    run: (statement) => runWith(orm.em.fork(), statement),
    async read({ name, label, text, values }) {
      const named = { ...(name !== undefined && { name }), ...(label !== undefined && { label }) }
      const query = { text, values: [...values], ...named }
      return (await pool.query(query)).rows
    },
    statistics: () => ({
      active: pool.totalCount - pool.idleCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
      max: options.connectionsMax,
    }),
  }
}

/** Runs a statement on the entity manager's connection: its transaction when it is in one. */
export async function runWith<Row>(
  em: EntityManager,
  statement: RawBuilder<Row>,
): Promise<readonly Row[]> {
  const result = await statement.execute(em.getKysely<Record<string, never>>())
  return result.rows
}

/** Runs a compiled statement on the entity manager's connection. */
export async function readWith<Row>(
  em: EntityManager,
  { text, values }: Prepared<Row>,
): Promise<readonly Row[]> {
  const { rows } = await em.getKysely().executeQuery<Row>(CompiledQuery.raw(text, [...values]))
  return rows
}

/** What MikroORM's own `pool` setting does not pass on to `pg` (it maps only two of these). */
function poolOptions(options: DatabaseOptions): pg.PoolConfig {
  return {
    max: options.connectionsMax,
    min: 0,
    connectionTimeoutMillis: options.acquireTimeoutMs,
    idleTimeoutMillis: options.idleTimeoutMs,
    statement_timeout: options.statementTimeoutMs,
    query_timeout: options.queryTimeoutMs,
    lock_timeout: options.lockTimeoutMs,
    idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs,
    application_name: options.applicationName,
    keepAlive: true,
  }
}
