import { createBackend, backends } from '../platform/queue/fixture.ts'
import { freezeRounds, killRounds, type WorkersOutcome } from '../failure/workers/scenario.ts'
import type { Told } from './options.ts'
import type { Scenario } from './scenario.ts'

/** Workers that are killed and frozen, and what became of their jobs. */
export const workerKills: Scenario = {
  says: 'effects of jobs whose workers are killed with -9, or frozen until others take over',
  needsServers: true,
  options: {
    rounds: ['100', 'kills for each backend'],
    freezes: ['5', 'workers that are frozen for each backend'],
    seed: ['1', 'of the moments'],
  },
  async run(told: Told) {
    for (const kind of backends) {
      const rounds = { rounds: told.number('rounds'), seed: told.number('seed') }
      await report(`${kind}, ${rounds.rounds} kills`, await createBackend(kind), (place) =>
        killRounds(place, rounds, (round) => {
          if (round % 20 === 0) {
            console.log(`  ${round} rounds`)
          }
        }),
      )
      const freezes = told.number('freezes')
      await report(`${kind}, ${freezes} workers frozen`, await createBackend(kind), (place) =>
        freezeRounds(place, freezes),
      )
    }
  },
}

async function report(
  name: string,
  place: Awaited<ReturnType<typeof createBackend>>,
  run: (found: NonNullable<typeof place>) => Promise<WorkersOutcome>,
): Promise<void> {
  if (!place) {
    console.log(`${name}: left out, no Redis on PATH`)
    return
  }
  const { jobs, missing, doubled, deadLetters } = await run(place)
  console.log(
    `${name}: ${jobs} jobs, effects missing ${missing.length}, doubled ${doubled.length}, dead letters ${deadLetters}`,
  )
  if (missing.length + doubled.length > 0) {
    process.exitCode = 1
  }
}
