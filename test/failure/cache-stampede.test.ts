import { expect } from 'chai'
import { sql } from 'kysely'
import type { Answer, Api } from '../support/api.ts'
import { openPair, type Pair } from '../support/cache-pair.ts'
import { redisUrl } from '../support/servers.ts'
import { recordStatements } from '../support/statements.ts'

const readersMax = 200

describe('many readers of one answer that nobody has', () => {
  let pair: Pair | undefined
  afterEach(() => pair?.close())

  /** All at once, each second one at the other process; and the statements that they cost. */
  async function crowd({ one, other, get, businesses }: Pair, path: string) {
    const recorders = businesses.map(({ db }) => recordStatements(db))
    // Connections opened before are not heard.
    await Promise.all(businesses.map(({ db }) => refreshed(db.pool)))
    const at = (index: number): Api => (index % 2 === 0 ? one : other)
    const indexes = Array.from({ length: readersMax }, (_, index) => index)
    const answers = await Promise.all(indexes.map((index) => get(path, at(index))))
    return { answers, counts: recorders.map((recorder) => recorder.count('products')) }
  }
  /** Ends every connection, so that the next statements open new ones. */
  async function refreshed(pool: Pair['businesses'][0]['db']['pool']): Promise<void> {
    const clients = await Promise.all(Array.from({ length: pool.totalCount }, () => pool.connect()))
    clients.forEach((client) => client.release(true))
  }
  function expectSame(answers: readonly Answer[]): void {
    expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([200]))
    expect(new Set(answers.map(({ text }) => text))).to.have.property('size', 1)
    const collapsed = answers.filter(({ headers }) =>
      headers.get('cache-status')?.includes('collapsed'),
    )
    // How many share it while it is under way depends on the machine; the others come when it is kept.
    expect(collapsed.length).to.be.greaterThan(0)
  }

  it('cost one statement in all processes together that share a Redis', async function () {
    pair = await openPair(redisUrl() ?? this.skip(), { commandTimeoutMs: 5_000 })
    for (let round = 0; round < 3; round += 1) {
      const { answers, counts } = await crowd(pair, pair.newPath())
      expectSame(answers)
      expect(counts).to.have.members([0, 1])
    }
  }).timeout(60_000)

  it('cost one statement in each process that has no Redis', async () => {
    pair = await openPair(undefined)
    for (let round = 0; round < 3; round += 1) {
      const { answers, counts } = await crowd(pair, pair.newPath())
      expectSame(answers)
      expect(counts).to.deep.equal([1, 1])
    }
  }).timeout(60_000)

  it('of one that was just changed see the change, for one statement', async () => {
    pair = await openPair(undefined)
    const { one, get, businesses } = pair
    const path = '/api/v2/products?limit=7'
    await get(path, one)
    const [{ db }] = businesses
    await db.run(sql`update products set title = 'Changed' where slug = 'product-8'`)
    await one.slice.cache.catchUp()
    const recorder = recordStatements(db)
    await refreshed(db.pool)
    const answers = await Promise.all(Array.from({ length: readersMax }, () => get(path, one)))
    expectSame(answers)
    expect(answers[0]?.text).to.include('"title":"Changed"')
    expect(recorder.count('products')).to.equal(1)
  }).timeout(60_000)
})
