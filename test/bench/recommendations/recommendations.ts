import { buildModel, recommendAsOf, storeEvaluation } from '../../../shared/content/index.ts'
import { systemClock } from '../../../shared/platform/clock.ts'
import type { Database } from '../../../shared/platform/database/database.ts'
import { transaction } from '../../../shared/platform/database/transaction.ts'
import { systemRandom } from '../../../shared/platform/random.ts'
import { openTestDatabase } from '../../support/database.ts'
import { createDemoDatabase } from '../../support/demo.ts'
import type { Told } from '../options.ts'
import type { Findings } from '../report.ts'
import type { Scenario } from '../scenario.ts'
import { largestOrganisation, readHistory, type History } from './history.ts'
import { judge, mean } from './judge.ts'
import { measureLists } from './lists.ts'
import { rivalsOf } from './rivals.ts'

const limit = 10
const membersPerStatement = 50
const ours = 'recommendations'

/** How well recommendations foretell what members buy that they did not buy before, beside three simple ways. What is
 *  measured is the ranking that is served, its place for exploration included. */
export const recommendations: Scenario = {
  says: 'what members buy next, foretold: against popularity and item-item cosine',
  needsServers: true,
  options: {
    split: ['2011-11-09', 'what is before it is known'],
    end: ['', 'what is from here on is not looked at; everything is, when left out'],
    contents: [
      '0',
      'buffers and time of a list with so many contents instead, five interactions each',
    ],
  },
  run: evaluate,
}

async function evaluate(told: Told): Promise<Findings | void> {
  const contents = told.number('contents')
  if (contents > 0) {
    await measureLists(contents)
    return
  }
  const { db, close } = await openTestDatabase(await createDemoDatabase())
  const splitAt = new Date(`${told.text('split')}T00:00:00Z`)
  const end = told.text('end')
  const organisationId = await largestOrganisation(db)
  const history = await readHistory(db, organisationId, {
    splitAt,
    ...(end !== '' && { end: new Date(`${end}T00:00:00Z`) }),
  })
  const members = [...history.memberIds.keys()].filter(
    (member) => history.known[member]?.length !== 0 && history.later[member]?.length !== 0,
  )
  const figures = {
    ...judgeRivals(history, members),
    [ours]: await judgeOurs(db, { organisationId, history, members, splitAt }),
  }
  await storeEvaluation(db, {
    organisationId,
    splitAt,
    membersCount: members.length,
    figures,
  })
  await close()
  return print(figures, members.length)
}

type Figures = Record<string, { readonly recall: number; readonly ndcg: number }>

function judgeRivals(history: History, members: readonly number[]): Figures {
  return Object.fromEntries(
    Object.entries(rivalsOf(history)).map(([name, rival]) => {
      const judged = members.map((member) =>
        judge(rival(member, limit), new Set(history.later[member]), limit),
      )
      return [name, average(judged)]
    }),
  )
}

async function judgeOurs(
  db: Database,
  given: { organisationId: string; history: History; members: readonly number[]; splitAt: Date },
) {
  const { organisationId, history, members, splitAt } = given
  const built = await transaction({ db, clock: systemClock, random: systemRandom }, (tx) =>
    buildModel(tx, { organisationId, before: splitAt }),
  )
  if (built === undefined) {
    throw new Error('nothing is known before the split')
  }
  const judged: { readonly recall: number; readonly ndcg: number }[] = []
  for (let start = 0; start < members.length; start += membersPerStatement) {
    const batch = members.slice(start, start + membersPerStatement)
    const memberIds = batch.map((member) => history.memberIds[member] ?? '')
    const asked = { organisationId, modelId: built.modelId, memberIds, at: splitAt, limit }
    const lists = await recommendAsOf(db, asked)
    for (const member of batch) {
      const bought = (history.later[member] ?? []).map(
        (content) => history.contentIds[content] ?? '',
      )
      const list = lists.get(history.memberIds[member] ?? '') ?? []
      judged.push(judge(list, new Set(bought), limit))
    }
  }
  return average(judged)
}

const average = (judged: readonly { readonly recall: number; readonly ndcg: number }[]) => ({
  recall: mean(judged.map(({ recall }) => recall)),
  ndcg: mean(judged.map(({ ndcg }) => ndcg)),
})

function print(figures: Figures, membersCount: number): Findings {
  console.log(`${membersCount} members who bought before and bought something new after`)
  console.log(`${'unseen contents only'.padEnd(28)} recall@${limit}  NDCG@${limit}`)
  for (const [name, { recall, ndcg }] of Object.entries(figures)) {
    console.log(`${name.padEnd(28)}  ${recall.toFixed(4)}    ${ndcg.toFixed(4)}`)
  }
  const rivals = Object.entries(figures).filter(([name]) => name !== ours)
  const best = (of: 'recall' | 'ndcg') => Math.max(...rivals.map(([, figure]) => figure[of]))
  const own = figures[ours] ?? { recall: Number.NaN, ndcg: Number.NaN }
  const [recall, ndcg] = [best('recall') / own.recall, best('ndcg') / own.ndcg]
  console.log(
    `recall ${(1 / recall).toFixed(2)} x and NDCG ${(1 / ndcg).toFixed(2)} x the best of the others`,
  )
  return { against: 'the best of the others', ratios: { recall, NDCG: ndcg }, figures }
}
