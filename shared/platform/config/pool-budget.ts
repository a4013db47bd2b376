import type { DatabaseOptions } from '../database/database.ts'
import type { SlowLimits } from '../database/slow-statements.ts'
import type { platformSettings } from './platform-settings.ts'
import type { ProcessKind, Values } from './setting.ts'

/**
 * Connections by kind of process. PostgreSQL accepts 100 as installed and keeps 3 of them for its superuser; one api (30),
 * one worker (30), one admin (7) and one command (6) come to 73. For more processes raise its max_connections.
 */
const shares: Readonly<Record<ProcessKind, { readonly pool: number; readonly reserve: number }>> = {
  api: { pool: 20, reserve: 10 },
  worker: { pool: 20, reserve: 10 },
  admin: { pool: 5, reserve: 2 },
  tool: { pool: 4, reserve: 2 },
}

/** What the database layer is opened with, plus what lies beside the pool. */
export type DatabaseConfig = DatabaseOptions &
  SlowLimits & {
    /** The primary without a pooler in between. */
    readonly directUrl: string
    /** Connections beside the pool for what must never wait behind requests. */
    readonly reserveMax: number
    /** How long a process waits at its start for a database that is not there yet. */
    readonly startPatienceMs: number
  }

/** The pool of one process. Requests fail fast; jobs and commands may wait and run longer. */
export function databaseConfig(
  kind: ProcessKind,
  values: Values<typeof platformSettings>,
): DatabaseConfig {
  const sharers = kind === 'api' ? values.API_PROCESSES : 1
  const servesRequests = kind === 'api' || kind === 'admin'
  const jobStatementMs = values.DATABASE_JOB_STATEMENT_TIMEOUT_MS
  return {
    url: values.DATABASE_URL,
    directUrl: values.DATABASE_DIRECT_URL ?? values.DATABASE_URL,
    applicationName: `tidegate-${kind}`,
    connectionsMax: shareOf(Math.min(values.DATABASE_CONNECTION_LIMIT, shares[kind].pool), sharers),
    reserveMax: shareOf(Math.min(values.DB_MAX_OVERFLOW, shares[kind].reserve), sharers),
    acquireTimeoutMs: servesRequests
      ? values.DATABASE_ACQUIRE_TIMEOUT_MS
      : values.DATABASE_POOL_TIMEOUT,
    startPatienceMs: values.DATABASE_START_PATIENCE_MS,
    idleTimeoutMs: values.DATABASE_IDLE_TIMEOUT_MS,
    statementTimeoutMs: servesRequests ? values.DATABASE_STATEMENT_TIMEOUT_MS : jobStatementMs,
    queryTimeoutMs: servesRequests ? values.DATABASE_QUERY_TIMEOUT_MS : jobStatementMs + 1000,
    lockTimeoutMs: values.DATABASE_LOCK_TIMEOUT_MS,
    idleInTransactionTimeoutMs: values.DATABASE_IDLE_IN_TRANSACTION_TIMEOUT_MS,
    slowLogMs: values.SLOW_QUERY_LOG_MS,
    slowAlertMs: values.SLOW_QUERY_ALERT_MS,
  }
}

/** What each of several processes gets: all together stay within the budget, down to two for each. */
function shareOf(connections: number, sharers: number): number {
  return Math.max(Math.min(2, connections), Math.floor(connections / sharers))
}
