import { pino } from 'pino'
import { z } from 'zod'
import { systemClock, type Clock } from '#platform/clock'
import { openDatabase, type Database } from '#platform/database/database'
import { createLifecycle, type Lifecycle } from '#platform/lifecycle'
import { createLog, type Log } from '#platform/log'
import { openQueues, type Queues } from '#platform/queue/queues'
import type { WorkerLimits } from '#platform/queue/workers'
import { systemRandom, type Random } from '#platform/random'
import { createDatabase, redisUrl } from '../../support/servers.ts'

export type Opened = {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly lifecycle: Lifecycle
  readonly db: Database
  readonly queues: Queues
}

/** The two places where queues can live; Redis only where a binary is on PATH. */
export const backends = ['redis', 'postgres'] as const
export type BackendKind = (typeof backends)[number]

/** A process's worth of platform: own pool, own queue connections, closed by its own lifecycle. */
export async function openProcess(
  databaseUrl: string,
  redis: string | undefined,
  onLine?: (line: string) => void,
  workersCount = 4,
): Promise<Opened> {
  const log = onLine
    ? pino({ level: 'warn' }, { write: onLine })
    : createLog('test', process.env['LOG_LEVEL'] ?? 'silent')
  const lifecycle = createLifecycle(log)
  const db = await openDatabase(
    {
      url: databaseUrl,
      applicationName: 'queue-test',
      connectionsMax: 4,
      acquireTimeoutMs: 2000,
      idleTimeoutMs: 30_000,
      statementTimeoutMs: 4000,
      queryTimeoutMs: 5000,
      lockTimeoutMs: 1000,
      idleInTransactionTimeoutMs: 10_000,
    },
    [],
    { log, lifecycle },
  )
  const queues = await openQueues(
    { redisUrl: redis, databaseUrl, producerTimeoutMs: 1000, workersCount },
    { log, lifecycle, random: systemRandom },
  )
  return { clock: systemClock, random: systemRandom, log, lifecycle, db, queues }
}

/** A fresh database and, for Redis, an empty logical database of its own. */
export async function createBackend(
  kind: BackendKind,
): Promise<{ databaseUrl: string; redis: string | undefined } | undefined> {
  const databaseUrl = await createDatabase()
  if (kind === 'postgres') {
    return { databaseUrl, redis: undefined }
  }
  const url = redisUrl()
  return url === undefined ? undefined : { databaseUrl, redis: url }
}

/** What the specs of one backend begin with: a database and a Redis of their own, for all of them or for each, and processes
 *  that are stopped after each. Skips them where there is no Redis. Call it in `describe`. */
export function processesOn(
  kind: BackendKind,
  shared: 'by all specs' | 'by none',
): { readonly open: () => Promise<Opened>; readonly databaseUrl: () => string } {
  const opened: Opened[] = []
  let place: { databaseUrl: string; redis: string | undefined } | undefined
  const begin = shared === 'by all specs' ? before : beforeEach
  begin(async function () {
    place = (await createBackend(kind)) ?? this.skip()
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(({ lifecycle }) => lifecycle.stop()))
  })
  return {
    databaseUrl: () => place?.databaseUrl ?? '',
    async open() {
      const one = await openProcess(place?.databaseUrl ?? '', place?.redis)
      opened.push(one)
      return one
    },
  }
}

/** Polls until `probe` gives something, and fails after `deadlineMs`. */
export async function eventually<T>(
  probe: () => Promise<T | undefined> | T | undefined,
  deadlineMs = 10_000,
): Promise<T> {
  const end = systemClock.monotonicMs() + deadlineMs
  for (;;) {
    const found = await probe()
    if (found !== undefined) {
      return found
    }
    if (systemClock.monotonicMs() > end) {
      throw new Error(`nothing within ${deadlineMs} ms`)
    }
    await systemClock.sleep(10)
  }
}

export const anyPayload = z.strictObject({ word: z.string().min(1) })

/** Limits under which nothing is taken from a worker that lives. */
export const calmLimits: WorkerLimits = { stopGraceMs: 300, lockMs: 30_000, stalledCheckMs: 30_000 }

/** What a declared job says besides what it does. */
export const anyJob = {
  name: 'say',
  payload: anyPayload,
  attemptsMax: 3,
  backoffMs: 10,
  timeoutMs: 5000,
  concurrency: 4,
  whenGivenUp: 'dead-letter',
} as const
