import { readFileSync } from 'node:fs'
import { Client } from 'pg'
import { z } from 'zod'
import { systemClock } from '#platform/clock'
import type { Figures, Metric } from './thresholds.ts'

type Seen = Pick<
  Figures,
  | 'memoryBytes'
  | 'cpuRatio'
  | 'poolRatio'
  | 'connectionsMax'
  | 'transactionsPerRequest'
  | 'transactionMs'
  | 'statementsPerRequest'
  | 'slowStatements'
  | 'missing'
>

/** Looks at the process of the API and at its database while a scenario runs. */
export type Watch = {
  readonly begin: () => Promise<void>
  readonly look: () => Promise<void>
  readonly end: (requests: number) => Promise<Seen>
}

/** Where there is something to look at; each may be unknown. */
export type Watched = {
  readonly pid?: number | undefined
  readonly databaseUrl?: string | undefined
  readonly poolMax?: number | undefined
}

/** A statement that takes longer on average is slow (REQUIREMENTS V-04). */
const slowMs = 100
const ticksPerSecond = 100 // USER_HZ, 100 on every Linux

const processMetrics = ['memoryBytes', 'cpuRatio'] as const
const databaseMetrics = [
  'poolRatio',
  'connectionsMax',
  'transactionsPerRequest',
  'transactionMs',
  'statementsPerRequest',
  'slowStatements',
] as const

/** What cannot be seen is missing, with the reason. */
export function watchMachine({ pid, databaseUrl, poolMax }: Watched): Watch {
  const missing: Partial<Record<Metric, string>> = {}
  const miss = (metrics: readonly Metric[], why: string): void =>
    metrics.forEach((metric) => (missing[metric] ??= why))
  let memoryBytes: number | undefined
  let startTicks: number | undefined
  let startMs = 0
  let connectionsMax = 0
  let database: Client | undefined
  let before: DatabaseCounts | undefined
  let isLooking = false

  return {
    async begin() {
      startMs = systemClock.monotonicMs()
      startTicks = pid === undefined ? undefined : readTicks(pid)
      database = databaseUrl === undefined ? undefined : await connect(databaseUrl)
      before = database && (await readCounts(database).catch(() => undefined))
    },
    async look() {
      const bytes = pid === undefined ? undefined : readMemory(pid)
      memoryBytes = bytes === undefined ? memoryBytes : Math.max(bytes, memoryBytes ?? 0)
      if (database && !isLooking) {
        isLooking = true
        const busy = await countBusy(database).catch(() => 0)
        connectionsMax = Math.max(connectionsMax, busy)
        isLooking = false
      }
    },
    async end(requests) {
      const seconds = (systemClock.monotonicMs() - startMs) / 1000
      const ticks = pid === undefined ? undefined : readTicks(pid)
      const after = database && (await readCounts(database).catch(() => undefined))
      await database?.end()
      if (memoryBytes === undefined) {
        miss(processMetrics, 'the process of the API is not known, or not on this machine')
      }
      if (after === undefined || before === undefined) {
        miss(databaseMetrics, 'DATABASE_URL is not known, or the database did not answer')
      }
      if (poolMax === undefined) {
        miss(['poolRatio'], 'DATABASE_CONNECTION_LIMIT of the API is not known')
      }
      const counts = before && after && difference(before, after, requests)
      if (counts?.statementsPerRequest === undefined) {
        const why = 'the database has no extension pg_stat_statements'
        miss(['statementsPerRequest', 'slowStatements'], why)
      }
      const spent = ticks === undefined || startTicks === undefined ? undefined : ticks - startTicks
      return {
        ...counts,
        memoryBytes,
        cpuRatio: spent === undefined ? undefined : spent / ticksPerSecond / seconds,
        ...(counts && { connectionsMax }),
        ...(counts && poolMax !== undefined && { poolRatio: connectionsMax / poolMax }),
        missing,
      }
    },
  }
}

/** Resident memory, in bytes. */
function readMemory(pid: number): number | undefined {
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1]
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
}

/** Time on a processor, in ticks; fields 14 and 15 of proc(5), counted behind the name, which may hold blanks. */
function readTicks(pid: number): number | undefined {
  const fields = read(`/proc/${pid}/stat`).split(') ')[1]?.split(' ')
  return fields === undefined ? undefined : Number(fields[11]) + Number(fields[12])
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // gone, another user's, or not Linux
  }
}

async function connect(url: string): Promise<Client | undefined> {
  const client = new Client({
    connectionString: url,
    application_name: 'tidegate-load',
    connectionTimeoutMillis: 2000,
    query_timeout: 2000,
  })
  client.on('error', () => {})
  return client.connect().then(
    () => client,
    () => undefined,
  )
}

async function countBusy(database: Client): Promise<number> {
  const { rows } = await database.query(
    `select count(*)::int as busy from pg_stat_activity
      where datname = current_database() and application_name = 'tidegate-api' and state <> 'idle'`,
  )
  return z.object({ busy: z.number() }).parse(rows[0]).busy
}

type DatabaseCounts = {
  readonly transactions: number
  readonly activeMs: number
  readonly statements?: number | undefined
  readonly slow?: number | undefined
}

async function readCounts(database: Client): Promise<DatabaseCounts> {
  const { rows } = await database.query(
    `select xact_commit::float8 as transactions, active_time as "activeMs",
            exists (select from pg_extension where extname = 'pg_stat_statements') as "hasStatements"
       from pg_stat_database where datname = current_database()`,
  )
  const shape = z.object({
    transactions: z.number(),
    activeMs: z.number(),
    hasStatements: z.boolean(),
  })
  const { hasStatements, ...counts } = shape.parse(rows[0])
  // The extension may be made and not loaded; then the view refuses.
  return hasStatements
    ? { ...counts, ...(await readStatements(database).catch(() => ({}))) }
    : counts
}

async function readStatements(
  database: Client,
): Promise<Pick<DatabaseCounts, 'statements' | 'slow'>> {
  const { rows } = await database.query(
    `select coalesce(sum(calls), 0)::float8 as statements,
            (count(*) filter (where mean_exec_time >= ${slowMs}))::int as slow
       from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database())`,
  )
  return z.object({ statements: z.number(), slow: z.number() }).parse(rows[0])
}

function difference(before: DatabaseCounts, after: DatabaseCounts, requests: number) {
  const transactions = after.transactions - before.transactions
  const hasStatements = after.statements !== undefined && before.statements !== undefined
  return {
    transactionsPerRequest: transactions / Math.max(1, requests),
    transactionMs: (after.activeMs - before.activeMs) / Math.max(1, transactions),
    ...(hasStatements && {
      statementsPerRequest:
        ((after.statements ?? 0) - (before.statements ?? 0)) / Math.max(1, requests),
      slowStatements: after.slow,
    }),
  }
}
