import { sql } from 'kysely'
import { isOutage } from '#platform/database/outage'
import type { Platform } from '#platform/platform'
import type { Caller } from './find-caller.ts'

/** Notes which members are about; `members.last_active_at` is made from it. */
export type Presence = {
  /** Costs an entry in a set, and nothing for callers that are no members. */
  note(caller: Pick<Caller, 'memberId'>): void
  /** Writes down now who was noted.  @throws what the database throws */
  write(): Promise<void>
}

/** How late it is known. Each time in which somebody came back ends the kept lists of members of that organisation, so it is
 *  not written more often. */
const everyMs = 5 * 60 * 1000
/** Of one member it is written at most once in this time. */
const againMinutes = 60
/** Members of one writing; more are noted when they come again. */
const membersMax = 10_000

/** Opens what one process notes; it is written every five minutes in one statement, behind the answers, and when the process
 *  stops. */
export function openPresence({
  db,
  clock,
  log,
  lifecycle,
}: Pick<Platform, 'db' | 'clock' | 'log' | 'lifecycle'>): Presence {
  const stopped = new AbortController()
  let seen = new Set<string>()

  async function write(): Promise<void> {
    const memberIds = [...seen]
    seen = new Set()
    if (memberIds.length > 0) {
      await db.run(touched(memberIds))
    }
  }

  async function follow(): Promise<void> {
    while (!stopped.signal.aborted) {
      await clock.sleep(everyMs, stopped.signal).catch(() => undefined)
      // They come again; of an outage others speak.
      await write().catch((error: unknown) =>
        log[isOutage(error) ? 'debug' : 'warn']({ err: error }, 'active members not written down'),
      )
    }
  }

  const following = follow()
  lifecycle.background('presence of members', following)
  lifecycle.defer('presence of members', async () => {
    stopped.abort()
    await following
  })
  return {
    note({ memberId }) {
      if (memberId !== undefined && seen.size < membersMax) {
        seen.add(memberId)
      }
    },
    write,
  }
}

/** Passes over rows that somebody else changes at this moment, so that nobody waits for it. The row's version stays: nobody
 *  edited it. */
const touched = (memberIds: readonly string[]) => sql`
  update members set last_active_at = clock_timestamp()
   where id in (
     select id from members
      where id = any(${memberIds}::uuid[])
        and (last_active_at is null or last_active_at < clock_timestamp() - make_interval(mins => ${againMinutes}))
        for no key update skip locked)`
