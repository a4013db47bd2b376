import { integer, url } from '../kinds.ts'
import { defineSettings } from '../setting.ts'

const timeout = integer({ min: 1, max: 3_600_000 })

/** The database, its pool and its time limits. Defaults: the budget table of docs/configuration.md. */
export const databaseSettings = defineSettings({
  DATABASE_URL: {
    schema: url('postgresql:', 'postgres:'),
    required: true,
    secret: true,
    example: 'postgresql://user:password@host:5432/tidegate',
    meaning:
      'The PostgreSQL database, version 15 or later. `npm start` brings one when this is not set.',
  },
  DATABASE_DIRECT_URL: {
    schema: url('postgresql:', 'postgres:'),
    secret: true,
    example: 'postgresql://user:password@host:5432/tidegate',
    meaning:
      'The primary itself, where DATABASE_URL leads through a pooler that changes connections between transactions: the cache follows its change log on a connection that must stay the same. Not set: DATABASE_URL.',
  },
  DATABASE_CONNECTION_LIMIT: {
    schema: integer({ min: 1, max: 30 }),
    synonyms: ['DB_POOL_SIZE'],
    standard: { development: '10', production: '20' },
    unit: 'connections',
    meaning:
      'The most connections of one process that serve requests or jobs. admin and commands take fewer, so that all kinds together stay under max_connections of the server.',
  },
  DB_MAX_OVERFLOW: {
    schema: integer({ min: 2, max: 10 }),
    standard: '10',
    unit: 'connections',
    meaning:
      'The reserve beside the pool for what must never wait behind requests: the change-log reader, health and maintenance. Pool and reserve together are at most 30.',
  },
  DATABASE_ACQUIRE_TIMEOUT_MS: {
    schema: timeout,
    standard: '2000',
    unit: 'ms',
    meaning: 'How long a request waits for a free connection before it is answered with 503.',
  },
  DATABASE_POOL_TIMEOUT: {
    schema: timeout,
    standard: '30000',
    unit: 'ms',
    meaning: 'How long a job, a migration or a command waits for a free connection.',
  },
  DATABASE_START_PATIENCE_MS: {
    schema: integer({ min: 0, max: 600_000 }),
    standard: { development: '2000', production: '30000' },
    unit: 'ms',
    meaning:
      'How long a process waits at its start for a database that does not answer yet, trying again after 0.1, 0.2, 0.4 seconds and so on, up to every 5.',
  },
  DATABASE_IDLE_TIMEOUT_MS: {
    schema: timeout,
    standard: '30000',
    unit: 'ms',
    meaning: 'After how long an unused connection is closed.',
  },
  DATABASE_STATEMENT_TIMEOUT_MS: {
    schema: timeout,
    standard: '4000',
    unit: 'ms',
    meaning: 'The longest a statement of a request may run on the server.',
  },
  DATABASE_QUERY_TIMEOUT_MS: {
    schema: timeout,
    standard: '5000',
    unit: 'ms',
    meaning:
      'When a request gives up on a server that does not answer at all and drops the connection. Above the statement limit, so that the server speaks first.',
  },
  DATABASE_JOB_STATEMENT_TIMEOUT_MS: {
    schema: timeout,
    standard: '30000',
    unit: 'ms',
    meaning:
      'The longest a statement of a job or a command may run; one second more and the connection is dropped.',
  },
  DATABASE_LOCK_TIMEOUT_MS: {
    schema: timeout,
    standard: '1000',
    unit: 'ms',
    meaning: 'The longest a statement waits for a lock.',
  },
  DATABASE_IDLE_IN_TRANSACTION_TIMEOUT_MS: {
    schema: timeout,
    standard: '10000',
    unit: 'ms',
    meaning: 'When the server ends a transaction in which nothing happens.',
  },
  SLOW_QUERY_LOG_MS: {
    schema: timeout,
    standard: '100',
    unit: 'ms',
    meaning: 'From this duration on a statement is logged as SLOW QUERY.',
  },
  SLOW_QUERY_ALERT_MS: {
    schema: timeout,
    standard: '500',
    unit: 'ms',
    meaning: 'From this duration on a slow statement is a warning and counts towards the alert.',
  },
})
