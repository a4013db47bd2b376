import { createBackend, backends } from '../platform/queue/fixture.ts'
import { tryOutbox } from '../failure/outbox/scenario.ts'
import { openTestDatabase } from '../support/database.ts'
import { machineMs } from './machine-clock.ts'
import type { Told } from './options.ts'
import type { Scenario } from './scenario.ts'

/** Events of writers who commit out of order, and relays that are killed. */
export const outboxRelay: Scenario = {
  says: 'events of 8 writers that commit out of order, the relay killed: missing, doubled, out of order',
  needsServers: true,
  options: {
    events: ['10000', 'that are committed at least'],
    kills: ['10', 'of a process with a relay and a worker'],
    seed: ['1', 'of what is written when'],
  },
  async run(told: Told) {
    for (const kind of backends) {
      const place = await createBackend(kind)
      if (!place) {
        console.log(`${kind}: left out, no Redis on PATH`)
        continue
      }
      const { db, close } = await openTestDatabase(place.databaseUrl, 10)
      const begunMs = machineMs()
      const tried = tryOutbox(db, {
        ...place,
        eventsMin: told.number('events'),
        writers: 8,
        aggregates: 100,
        kills: told.number('kills'),
        seed: told.number('seed'),
      })
      const outcome = await tried.finally(() => void close())
      const { committed, rolledBack, missing, doubled, disordered, deadLetters } = outcome
      const seconds = Math.round((machineMs() - begunMs) / 1000)
      console.log(
        `${kind}: ${committed} events committed, ${rolledBack} transactions rolled back, ${told.number('kills')} kills, ${seconds} s: ` +
          `missing ${missing.length}, doubled ${doubled.length}, out of order ${disordered.length}, dead letters ${deadLetters}`,
      )
      if (missing.length + doubled.length + disordered.length > 0) {
        process.exitCode = 1
      }
    }
  },
}
