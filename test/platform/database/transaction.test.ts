import { Organisation } from '#members'
import type { Clock } from '#platform/clock'
import { systemRandom, type Random } from '#platform/random'
import { sqlState, transaction } from '#platform/database/transaction'
import { expect } from 'chai'
import { sql } from 'kysely'
import { open, rejection, type Opened } from './open.ts'

describe('a transaction', () => {
  let opened: Opened
  const slept: number[] = []
  const clock: Clock = {
    now: () => new Date(0),
    monotonicMs: () => 0,
    sleep: (delayMs) => Promise.resolve(void slept.push(delayMs)),
  }
  const random: Random = { ...systemRandom, fraction: () => 1 }
  const slice = () => ({ db: opened.db, clock, random })
  before(async () => {
    opened = await open()
    for (const slug of ['a', 'b']) {
      await opened.db.run(
        sql`insert into organisations (name, slug, default_currency, settlement_assets)
            values ('0', ${slug}, 'GBP', '{EUR,USD,AUD,JPY}')`,
      )
    }
  })
  beforeEach(() => void slept.splice(0))
  after(() => opened.close())

  const nameOf = async (slug: string): Promise<unknown> =>
    (
      await opened.db.run(
        sql<{ name: string }>`select name from organisations where slug = ${slug}`,
      )
    )[0]?.name

  it('commits entities and raw statements together', async () => {
    const seen = await transaction(slice(), async ({ em, run }) => {
      const one = await em.findOneOrFail(Organisation, { slug: 'a' })
      one.name = 'together'
      await em.flush()
      return run(sql<{ name: string }>`select name from organisations where slug = 'a'`)
    })
    expect(seen).to.deep.equal([{ name: 'together' }])
    expect(await nameOf('a')).to.equal('together')
  })

  it('leaves nothing behind when its work fails, and passes the failure on', async () => {
    const failure = new Error('no')
    const attempt = transaction(slice(), async ({ em, run }) => {
      await run(sql`update organisations set name = 'lost' where slug = 'b'`)
      const one = await em.findOneOrFail(Organisation, { slug: 'a' })
      one.name = 'lost'
      throw failure
    })
    expect(await rejection(attempt)).to.equal(failure)
    expect([await nameOf('a'), await nameOf('b')]).not.to.include('lost')
  })

  it('that deadlocks is tried again in a new transaction on a fresh unit of work', async () => {
    const both = Promise.withResolvers<void>()
    let holding = 0
    const attempts: string[] = []
    const update = async (first: string, second: string): Promise<void> =>
      transaction(slice(), async ({ em }) => {
        attempts.push(first)
        const isFirstTry = attempts.filter((one) => one === first).length === 1
        const one = await em.findOneOrFail(Organisation, { slug: first })
        one.name = `${first}${second}`
        await em.flush()
        holding += 1
        if (holding === 2) {
          both.resolve()
        }
        if (isFirstTry) {
          await both.promise
        }
        const other = await em.findOneOrFail(Organisation, { slug: second })
        other.name = `${first}${second}`
        await em.flush()
      })
    // The lock timeout of this pool is as long as deadlock_timeout; the detector must speak first.
    await opened.db.run(sql`select set_config('deadlock_timeout', '100ms', false)`)
    opened.db.pool.on('acquire', (client) => void client.query(`set deadlock_timeout = '100ms'`))
    await Promise.all([update('a', 'b'), update('b', 'a')])
    expect(attempts).to.have.length(3)
    expect(slept).to.deep.equal([100])
    const names = [await nameOf('a'), await nameOf('b')]
    expect(names[0]).to.equal(names[1])
  })

  it('that cannot be serialized is tried again, with growing pauses, and then fails', async () => {
    const units = new Set<unknown>()
    const attempt = transaction(
      slice(),
      async ({ em, run }) => {
        units.add(em)
        await run(sql`do $$ begin raise sqlstate '40001' using message = 'again'; end $$`)
      },
      { attemptsMax: 6 },
    )
    expect(sqlState(await rejection(attempt))).to.equal('40001')
    expect(units.size).to.equal(6)
    expect(slept).to.deep.equal([100, 200, 400, 800, 1_000])
  })

  for (const state of ['23505', '57014', '55P03', '22012']) {
    it(`that fails with ${state} is not tried again`, async () => {
      let attempts = 0
      const failing = transaction(slice(), async ({ run }) => {
        attempts += 1
        await run(sql`do $$ begin raise sqlstate ${sql.lit(state)}; end $$`)
      })
      expect(sqlState(await rejection(failing))).to.equal(state)
      expect(attempts).to.equal(1)
    })
  }

  it('recovers by itself: the second attempt commits', async () => {
    let attempts = 0
    await transaction(slice(), async ({ em, run }) => {
      attempts += 1
      const one = await em.findOneOrFail(Organisation, { slug: 'a' })
      one.name = `attempt ${attempts}`
      await em.flush()
      if (attempts === 1) {
        await run(sql`do $$ begin raise sqlstate '40001'; end $$`)
      }
    })
    expect(await nameOf('a')).to.equal('attempt 2')
  })

  it('finds the SQLSTATE wherever it stands in the chain of causes, and only there', () => {
    const inner = Object.assign(new Error('x'), { code: '40P01' })
    expect(sqlState(new Error('outer', { cause: new Error('middle', { cause: inner }) }))).to.equal(
      '40P01',
    )
    expect(sqlState(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }))).to.equal(undefined)
    expect(sqlState('40001')).to.equal(undefined)
  })
})
