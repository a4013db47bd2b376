import { sql } from 'kysely'
import { buildModel, recommendAsOf, storeEvaluation } from '../../../shared/content/index.ts'
import { systemClock } from '../../../shared/platform/clock.ts'
import type { Database } from '../../../shared/platform/database/database.ts'
import { transaction } from '../../../shared/platform/database/transaction.ts'
import { systemRandom } from '../../../shared/platform/random.ts'
import { readHistory, type History } from './history.ts'
import { judge, mean } from './judge.ts'
import { rivalsOf, type RivalName } from './rivals.ts'

/** Of each list so many are judged. */
export const judgedCount = 10
const membersPerStatement = 50

export type Figure = { readonly recall: number; readonly ndcg: number }

export type Foretold = {
  /** Who bought before, and something new after. */
  readonly membersCount: number
  readonly figures: Readonly<Record<RivalName | 'recommendations', Figure>>
}

type Split = { readonly organisationId: string; readonly splitAt: Date; readonly end?: Date }

/** Judges what would have been recommended at an instant by what was bought after it and not before, beside three simple ways;
 *  and keeps the figures with the organisation. */
export async function foretell(db: Database, split: Split): Promise<Foretold> {
  const history = await readHistory(db, split.organisationId, split)
  const members = [...history.memberIds.keys()].filter(
    (member) => history.known[member]?.length !== 0 && history.later[member]?.length !== 0,
  )
  const rivals = rivalsOf(history)
  const judgeRival = (name: RivalName): Figure =>
    average(
      members.map((member) =>
        judge(rivals[name](member, judgedCount), new Set(history.later[member]), judgedCount),
      ),
    )
  const figures = {
    'popularity, all time': judgeRival('popularity, all time'),
    'popularity, last 30 days': judgeRival('popularity, last 30 days'),
    'item-item cosine': judgeRival('item-item cosine'),
    recommendations: await judgeOurs(db, split, { history, members }),
  }
  await storeEvaluation(db, { ...split, membersCount: members.length, figures })
  return { membersCount: members.length, figures }
}

async function judgeOurs(
  db: Database,
  { organisationId, splitAt }: Split,
  { history, members }: { readonly history: History; readonly members: readonly number[] },
): Promise<Figure> {
  const built = await transaction({ db, clock: systemClock, random: systemRandom }, (tx) =>
    buildModel(tx, { organisationId, before: splitAt }),
  )
  if (built === undefined) {
    throw new Error('nothing is known before the split')
  }
  const { modelId } = built
  const judged: Figure[] = []
  for (let start = 0; start < members.length; start += membersPerStatement) {
    const batch = members.slice(start, start + membersPerStatement)
    const memberIds = batch.map((member) => history.memberIds[member] ?? '')
    const asked = { organisationId, modelId, memberIds, at: splitAt, limit: judgedCount }
    const lists = await recommendAsOf(db, asked)
    for (const member of batch) {
      const bought = (history.later[member] ?? []).map((one) => history.contentIds[one] ?? '')
      const list = lists.get(history.memberIds[member] ?? '') ?? []
      judged.push(judge(list, new Set(bought), judgedCount))
    }
  }
  await db.run(sql`delete from recommendation_models where id = ${modelId}::bigint`)
  return average(judged)
}

const average = (judged: readonly Figure[]): Figure => ({
  recall: mean(judged.map(({ recall }) => recall)),
  ndcg: mean(judged.map(({ ndcg }) => ndcg)),
})
