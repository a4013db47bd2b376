import { expect } from 'chai'
import { sql } from 'kysely'
import { pruneDemand, questionsMax, readDemand, writeDemand } from '#platform/cache/demand-table'
import type { Database } from '#platform/database/database'
import { openTestDatabase } from '../../support/database.ts'
import { createDatabase } from '../../support/servers.ts'

const organisationId = '01900000-0000-7000-8000-000000000001'

describe('what readers ask for most, written down', () => {
  let db: Database
  let close: () => Promise<void>
  before(async () => {
    ;({ db, close } = await openTestDatabase(await createDatabase()))
  })
  after(() => close())
  beforeEach(() => db.run(sql`truncate cache_demand`))

  const ask = (url: string, reads: number) => ({ question: { url, organisationId }, reads })
  const wanted = async () => (await readDemand(db)).map(({ url }) => url)
  const age = (url: string, seconds: number) =>
    db.run(sql`
      update cache_demand set noted_at = noted_at - make_interval(secs => ${seconds}) where url = ${url}`)

  it('is added up over processes, and comes back with whom it was for, most wanted first', async () => {
    await writeDemand(db, [ask('/a', 5), ask('/b', 4), { question: { url: '/all' }, reads: 1 }])
    await writeDemand(db, [ask('/b', 4)])
    expect(await readDemand(db)).to.deep.equal([
      { url: '/b', organisationId },
      { url: '/a', organisationId },
      { url: '/all' },
    ])
  })

  it('counts less the longer it is ago: half after a quarter of an hour', async () => {
    await writeDemand(db, [ask('/old', 10), ask('/new', 6)])
    expect(await wanted()).to.deep.equal(['/old', '/new'])
    await age('/old', 900)
    expect(await wanted()).to.deep.equal(['/new', '/old'])
    // together 5 + 2, as soon as it is asked for again
    await writeDemand(db, [ask('/old', 2)])
    expect(await wanted()).to.deep.equal(['/old', '/new'])
  })

  it('is bounded: the least wanted go, and what nobody asked for in a day', async () => {
    const many = Array.from({ length: questionsMax + 5 }, (_, index) => ask(`/${index}`, index + 1))
    await writeDemand(db, many)
    await pruneDemand(db)
    const left = await wanted()
    expect(left).to.have.length(questionsMax)
    expect(left).not.to.include.oneOf(['/0', '/4'])
    await age('/2000', 24 * 3600 + 1)
    await pruneDemand(db)
    expect(await wanted())
      .to.have.length(questionsMax - 1)
      .and.not.include('/2000')
  })

  it('has nothing that PostgreSQL could not index, and takes the same question twice', async () => {
    await writeDemand(db, [ask(`/${'x'.repeat(2_000)}`, 9), ask('/twice', 1), ask('/twice', 2)])
    expect(await wanted()).to.deep.equal(['/twice'])
  })

  it('is written by several processes at once', async () => {
    const some = Array.from({ length: questionsMax + 200 }, (_, index) => ask(`/${index}`, 1))
    const writers = Array.from({ length: 6 }, async (_, index) => {
      for (let turn = 0; turn < 5; turn += 1) {
        await writeDemand(db, index % 2 === 0 ? some : some.toReversed())
        await pruneDemand(db)
      }
    })
    await Promise.all(writers)
    await writeDemand(db, some)
    const [row] = await db.run(
      sql<{ most: number; rows: number }>`
        select max(score)::float8 as most, count(*)::integer as rows from cache_demand`,
    )
    expect(row?.rows).to.equal(some.length)
    expect(row?.most).to.be.within(25, 31)
  })
})
