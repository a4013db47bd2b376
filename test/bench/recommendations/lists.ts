import { buildModel, foldInterests } from '../../../shared/content/index.ts'
import { systemClock } from '../../../shared/platform/clock.ts'
import { transaction } from '../../../shared/platform/database/transaction.ts'
import { systemRandom } from '../../../shared/platform/random.ts'
import { openTestDatabase } from '../../support/database.ts'
import { createDatabase } from '../../support/servers.ts'
import { median } from '../quantile.ts'
import { costOf, drawMembers, type Cost } from './buffers.ts'
import { crowdOf, fillCrowd } from './crowd.ts'

const membersDrawn = 100

/** What lists cost with so many contents, and how long the job takes that builds what they are made from. */
export async function measureLists(contents: number): Promise<void> {
  const url = await createDatabase()
  await timed(`writing ${contents} contents and five interactions with each`, () =>
    fillCrowd(url, contents),
  )
  const { db, close } = await openTestDatabase(url)
  const organisationId = await crowdOf(db)
  await timed('folding interests', () => foldInterests({ db }, { organisationId }))
  const slice = { db, clock: systemClock, random: systemRandom }
  await timed('building the model', () =>
    transaction(slice, (tx) => buildModel(tx, { organisationId, progress: say })),
  )
  await db.pool.query(
    'vacuum (analyze) member_interests, content_neighbours, recommendation_models',
  )
  const costs: Cost[] = []
  for (const { id: memberId } of await drawMembers(db, organisationId, membersDrawn)) {
    costs.push(await costOf(db, { organisationId, memberId }))
  }
  await close()
  console.log(`ten recommendations for each of ${costs.length} members, warm`)
  for (const name of ['buffers', 'ms', 'planningMs'] as const) {
    const all = costs.map((cost) => cost[name])
    const [half, most] = [median(all), Math.max(...all)]
    console.log(`${name.padEnd(10)} median ${half.toFixed(1)}, most ${most.toFixed(1)}`)
  }
}

/** Every hundredth batch. */
async function say(done: number, total: number): Promise<void> {
  if (done % 25_000 === 0) {
    console.log(`  ${done} of ${total}`)
  }
}

async function timed(what: string, work: () => Promise<unknown>): Promise<void> {
  const beganMs = performance.now()
  await work()
  console.log(`${what}: ${((performance.now() - beganMs) / 1000).toFixed(0)} s`)
}
