import { openTestDatabase } from '../../support/database.ts'
import { createDemoDatabase } from '../../support/demo.ts'
import type { Told } from '../options.ts'
import type { Findings } from '../report.ts'
import type { Scenario } from '../scenario.ts'
import { foretell, judgedCount, type Foretold } from './foretell.ts'
import { largestOrganisation } from './history.ts'
import { measureLists } from './lists.ts'

/** How well recommendations foretell what members buy that they did not buy before, beside three simple ways. What is
 *  measured is the ranking that is served, its place for exploration included. */
export const recommendations: Scenario = {
  says: 'what members buy next, foretold: against popularity and item-item cosine',
  needsServers: true,
  options: {
    split: ['2011-11-09', 'what is before it is known'],
    end: ['', 'what is from here on is not looked at; everything is, when left out'],
    database: ['', 'an installation to evaluate, which keeps the figures; else the demo'],
    contents: [
      '',
      'buffers and time of a list with so many contents instead, five interactions each',
    ],
  },
  run,
}

async function run(told: Told): Promise<Findings | void> {
  if (told.text('contents') !== '') {
    await measureLists(told.number('contents'))
    return
  }
  const [url, end] = [told.text('database'), told.text('end')]
  const { db, close } = await openTestDatabase(url === '' ? await createDemoDatabase() : url)
  const foretold = await foretell(db, {
    organisationId: await largestOrganisation(db),
    splitAt: startOf(told.text('split')),
    ...(end !== '' && { end: startOf(end) }),
  })
  await close()
  return print(foretold)
}

const startOf = (day: string): Date => new Date(`${day}T00:00:00Z`)

function print({ membersCount, figures }: Foretold): Findings {
  const { recommendations: own, ...others } = figures
  console.log(`${membersCount} members who bought before and bought something new after`)
  console.log(`${'unseen contents only'.padEnd(28)} recall@${judgedCount}  NDCG@${judgedCount}`)
  for (const [name, { recall, ndcg }] of Object.entries(figures)) {
    console.log(`${name.padEnd(28)}  ${recall.toFixed(4)}    ${ndcg.toFixed(4)}`)
  }
  const best = (of: 'recall' | 'ndcg') => Math.max(...Object.values(others).map((one) => one[of]))
  const [recall, ndcg] = [best('recall') / own.recall, best('ndcg') / own.ndcg]
  const times = (ratio: number) => `${(1 / ratio).toFixed(2)} x`
  console.log(`recall ${times(recall)} and NDCG ${times(ndcg)} the best of the others`)
  return { against: 'the best of the others', ratios: { recall, NDCG: ndcg }, figures }
}
