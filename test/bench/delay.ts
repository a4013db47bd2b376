import { sql } from 'kysely'
import { addTenant, openBusiness } from '../support/business.ts'
import { createDatabase, redisUrl } from '../support/servers.ts'
import { startForked } from './forked.ts'
import { quantile } from './quantile.ts'

/** How the other process hears of a write: by Redis, when it looks, or by NOTIFY of whoever is no process of ours. */
type Kind = 'hint' | 'poll' | 'foreign'

export type DelaySetup = {
  readonly url: string
  readonly redisUrl?: string
  readonly kind: Kind
}

/** How often the row has been written by then, and when that was committed and acknowledged; on the clock of the machine. */
export type Write = {
  readonly id: string
  readonly number: number
  readonly committedAtMs: number
  readonly acknowledgedAtMs: number
}

/** When an answer was no longer served, and what it said. */
export type Vanished = { readonly id: string; readonly number: number; readonly atMs: number }

export type Observed = {
  readonly vanished: readonly Vanished[]
  /** What a bare message took that is followed by one empty statement. */
  readonly bareMs: readonly number[]
  /** How much of the time the process was ready to run and did not get a processor. */
  readonly waitedShare: number
}

export const bareChannel = 'bench_bare'

const membersCount = 50
const writesOfEach = 40
const targetsMs: Readonly<Record<Kind, number>> = { hint: 5, poll: 300, foreign: 10 }

/** Time from an acknowledged write in one process until another no longer serves what was there before. It is time that
 *  passes, so a busy machine adds its own: what a bare message takes is printed beside it, and `chrt -r 1` before the command
 *  leaves the others out. */
export async function printDelays(): Promise<void> {
  const redis = redisUrl()
  console.log(`${membersCount * writesOfEach} writes in each, milliseconds as p50 / p99 / max`)
  for (const kind of ['hint', 'poll', 'foreign'] as const) {
    if (kind === 'hint' && redis === undefined) {
      console.log('without the hints of Redis: no binary of it is on PATH')
    } else {
      await measure(kind, redis)
    }
  }
}

async function measure(kind: Kind, redis: string | undefined): Promise<void> {
  const business = await openBusiness({ url: await createDatabase(), connectionsMax: 1 })
  const { organisationId } = await addTenant(business, 'delay')
  const rows = await business.db.run(sql<{ id: string }>`
    insert into members (organisation_id, email, name)
    select ${organisationId}, n || '@example.com', '0' from generate_series(1, ${membersCount}::integer) as n
    returning id`)
  const ids = rows.map(({ id }) => id)
  const hints = kind === 'hint' && redis !== undefined ? { redisUrl: redis } : {}
  const setup: DelaySetup = { url: business.url, kind, ...hints }
  const observer = startForked<unknown, Observed>('delay-observer', setup)
  const writer = startForked<unknown, readonly Write[]>('delay-writer', setup)
  await observer.ask({ organisationId, ids })
  const writes = await writer.ask({ ids, rounds: writesOfEach })
  await business.clock.sleep(500)
  const observed = await observer.ask('end')
  await Promise.all([observer.stop(), writer.stop()])
  await business.lifecycle.stop()
  print(kind, writes, observed)
}

function print(kind: Kind, writes: readonly Write[], observed: Observed): void {
  const { vanished, bareMs, waitedShare } = observed
  const ends = new Map(vanished.map((one) => [`${one.id} ${one.number}`, one.atMs]))
  const pairs = writes.map((write) => ({
    write,
    atMs: ends.get(`${write.id} ${write.number - 1}`) ?? Number.NaN,
  }))
  const seen = pairs.filter(({ atMs }) => !Number.isNaN(atMs))
  // What is known there before the writer is told has no delay.
  const acknowledged = seen.map(({ write, atMs }) => Math.max(0, atMs - write.acknowledgedAtMs))
  const committed = seen.map(({ write, atMs }) => Math.max(0, atMs - write.committedAtMs))
  const p99 = quantile(acknowledged, 0.99)
  console.log(
    `${kind.padEnd(8)} after the acknowledgement ${three(acknowledged)} (p99 to be at most ${targetsMs[kind]}: ${p99 <= targetsMs[kind] ? 'met' : 'MISSED'}); after COMMIT ${three(committed)}; ${bareMs.length === 0 ? '' : `a bare message the same way ${three(bareMs)}; `}${(100 * waitedShare).toFixed(1)} % of the time without a processor; ${pairs.length - seen.length} writes overtaken by the next`,
  )
}

const three = (values: readonly number[]): string =>
  [0.5, 0.99, 1].map((part) => quantile(values, part).toFixed(2)).join(' / ')
