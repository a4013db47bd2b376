import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { sql } from 'kysely'
import { systemClock } from '#platform/clock'
import type { Database } from '#platform/database/database'
import { createDice } from '../../bench/consistency/dice.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'

/** Events, writers, aggregates and kills of one try. */
export type OutboxTry = {
  readonly databaseUrl: string
  readonly redis: string | undefined
  readonly eventsMin: number
  readonly writers: number
  readonly aggregates: number
  /** How often one of the relay processes is killed with -9, one after the other. */
  readonly kills: number
  readonly seed: number
}

/** What came of it: nothing is missing, nothing doubled, nothing out of order when the three lists are empty. */
export type OutboxOutcome = {
  readonly committed: number
  readonly rolledBack: number
  readonly missing: readonly string[]
  readonly doubled: readonly string[]
  readonly disordered: readonly string[]
  readonly deadLetters: number
}

const pauseBetweenKillsMs = 3000
const processesCount = 2

/** Writes events from several writers at once, whose transactions overlap on the same aggregates, while relay processes give them
 *  to a subscriber and are killed; then compares what was committed with what was done. */
export async function tryOutbox(db: Database, given: OutboxTry): Promise<OutboxOutcome> {
  await db.run(sql`
    create table if not exists effects (
      position bigint generated always as identity, event_id bigint not null, aggregate_id uuid not null)`)
  const relays = new Set<ChildProcess>()
  for (let index = 0; index < processesCount; index += 1) {
    relays.add(await startRelayProcess(given))
  }
  try {
    const writing = write(db, given)
    for (let kill = 0; kill < given.kills; kill += 1) {
      await systemClock.sleep(pauseBetweenKillsMs)
      const [victim] = relays
      if (victim) {
        relays.delete(victim)
        victim.kill('SIGKILL')
        relays.add(await startRelayProcess(given))
      }
    }
    const rolledBack = await writing
    await untilDelivered(db)
    return { rolledBack, ...(await judge(db)) }
  } finally {
    await Promise.all([...relays].map(stopRelayProcess))
  }
}

async function startRelayProcess({ databaseUrl, redis = '' }: OutboxTry): Promise<ChildProcess> {
  const child = fork(new URL('./relay-process.ts', import.meta.url), [databaseUrl, redis])
  await once(child, 'message')
  return child
}

async function stopRelayProcess(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.send('stop')
  await exited
}

/** @returns how many transactions were rolled back */
async function write(db: Database, given: OutboxTry): Promise<number> {
  const random = createDice(given.seed)
  const ids = createSeededRandom(String(given.seed))
  const aggregates = Array.from({ length: given.aggregates }, () => ids.uuid())
  let written = 0
  let rolledBack = 0
  async function writer(): Promise<void> {
    const client = await db.pool.connect()
    try {
      while (written < given.eventsMin) {
        const count = 1 + random.below(3)
        const isKept = random.fraction() > 0.1
        // in one order, as everybody does who locks more than one thing
        const places = Array.from({ length: count }, () => random.below(aggregates.length))
        const chosen = places.toSorted((one, other) => one - other).map((at) => aggregates[at])
        await client.query('begin')
        for (const aggregate of chosen) {
          await client.query(
            `insert into outbox_events (topic, aggregate_id, payload) values ('tried.it', $1, '{}')`,
            [aggregate],
          )
          await systemClock.sleep(random.fraction() * 5)
        }
        await client.query(isKept ? 'commit' : 'rollback')
        written += isKept ? count : 0
        rolledBack += isKept ? 0 : 1
      }
    } finally {
      client.release()
    }
  }
  await Promise.all(Array.from({ length: given.writers }, writer))
  return rolledBack
}

async function untilDelivered(db: Database): Promise<void> {
  let before = -1
  for (let idle = 0; idle < 300; idle += 1) {
    const [row] = await db.run(sql<{ open: number }>`
      select (select count(*) from outbox_events where published_at is null)
           + (select count(*) from event_deliveries where ended_at is null) as open`)
    const open = Number(row?.open)
    if (open === 0) {
      return
    }
    idle = open === before ? idle : 0
    before = open
    await systemClock.sleep(100)
  }
}

async function judge(db: Database): Promise<Omit<OutboxOutcome, 'rolledBack'>> {
  const ids = (rows: readonly { id: string }[]) => rows.map(({ id }) => id)
  const [counts] = await db.run(sql<{ committed: number; dead: number }>`
    select (select count(*)::int from outbox_events) as committed, (select count(*)::int from dead_letters) as dead`)
  const missing = await db.run(sql<{ id: string }>`
    select id::text from outbox_events where id not in (select event_id from effects) order by 1 limit 20`)
  const doubled = await db.run(sql<{ id: string }>`
    select event_id::text as id from effects group by event_id having count(*) > 1 order by 1 limit 20`)
  const disordered = await db.run(sql<{ id: string }>`
    select event_id::text as id
      from (select event_id, max(event_id) over (partition by aggregate_id order by position
                                                rows between unbounded preceding and 1 preceding) as before
              from effects) as seen
     where before > event_id limit 20`)
  return {
    committed: counts?.committed ?? 0,
    deadLetters: counts?.dead ?? 0,
    missing: ids(missing),
    doubled: ids(doubled),
    disordered: ids(disordered),
  }
}
