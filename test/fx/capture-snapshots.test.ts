import { createHash } from 'node:crypto'
import { expect } from 'chai'
import * as fc from 'fast-check'
import { sql } from 'kysely'
import { captureSnapshots, type Capture } from '#fx'
import { transaction } from '#platform/database/transaction'
import { Problem } from '#platform/problem'
import { systemRandom } from '#platform/random'
import { openWorld, seedRates, type World } from './world.ts'

const rates = {
  GBP: '0.87130',
  USD: '1.1581',
  AUD: '1.6501',
  JPY: '182.48',
  KWD: '0.35560',
  CLF: '0.0272',
}
const friday = '2026-03-06T00:00:00Z'

describe('fx capture: the rates that are frozen into a link', () => {
  let world: World
  let organisationId: string

  before(async () => {
    world = await openWorld('2026-03-06T12:00:00Z')
    await seedRates(world.db, { provider: 'ecb', base: 'EUR', asOf: friday, rates })
    const [organisation] = await world.db.run(sql<{ id: string }>`
      insert into organisations (name, slug, default_currency, settlement_assets)
      values ('Gifts', 'gifts', 'GBP', array['EUR', 'USD', 'AUD', 'JPY']) returning id`)
    organisationId = organisation?.id ?? ''
  })
  after(() => world.close())

  /** Makes a link and freezes its rates, in one transaction, as creation does. */
  const create = (
    change: Partial<Capture> = {},
    statements: string[] = [],
    plans: readonly string[] = [],
  ) => {
    const { clock, db } = world
    return transaction({ db, clock, random: systemRandom }, async (tx) => {
      const capture: Capture = {
        setId: systemRandom.uuid(),
        organisationId,
        paymentLinkId: systemRandom.uuid(),
        snapshotType: 'creation',
        currency: 'GBP',
        amountMinor: 1_999n,
        assets: ['EUR', 'USD', 'AUD', 'JPY'],
        providers: ['ecb'],
        capturedAt: new Date('2026-03-06T12:00:00.250Z'),
        lockExpiresAt: new Date('2026-03-06T12:15:00Z'),
        allowStale: false,
        ...change,
      }
      await tx.run(sql`
        insert into payment_links (id, organisation_id, short_code, status, currency, accepted_assets, fx_set_id)
        values (${capture.paymentLinkId}, ${organisationId}, ${capture.setId.slice(-12)}, 'open',
                ${capture.currency}, ${[...capture.assets]}::text[], ${capture.setId})`)
      for (const plan of plans) {
        await tx.run(sql`select set_config(${plan}, 'off', true)`)
      }
      const run: typeof tx.run = (statement) => {
        statements.push('run')
        return tx.run(statement)
      }
      return { capture, snapshots: await captureSnapshots({ run }, capture) }
    })
  }
  const count = async (): Promise<unknown> => {
    const [row] = await world.db.run(sql<{ n: string }>`
      select (select count(*) from fx_snapshots) || ' of ' || (select count(*) from payment_links) as n`)
    return row?.n
  }
  const problemOf = async (work: Promise<unknown>): Promise<Problem> => {
    const error = await work.catch((reason: unknown) => reason)
    if (error instanceof Problem) {
      return error
    }
    throw new Error('it did not end with a problem', { cause: error })
  }

  it('writes four rows by one statement, with one timestamp', async () => {
    const statements: string[] = []
    const { capture, snapshots } = await create({}, statements)
    expect(statements).to.have.length(1)
    expect(snapshots.map(({ asset }) => asset)).to.deep.equal(capture.assets)
    const stored = await world.db.run(sql<Record<string, unknown>>`
      select id, asset, rate::text, currency_leg::text, asset_leg::text, amount_minor, is_stale, staleness_seconds,
             captured_at::text, lock_expires_at::text, encode(hash, 'hex') as hash, rounding_rule
        from fx_snapshots where set_id = ${capture.setId} order by captured_at, asset`)
    expect(stored).to.have.length(4)
    expect(new Set(stored.map((row) => row['captured_at'])).size).to.equal(1)
    const usd = stored.find((row) => row['asset'] === 'USD')
    expect(usd).to.include({
      rate: '1.329163319178',
      currency_leg: '0.87130',
      asset_leg: '1.1581',
      amount_minor: '2657',
      is_stale: false,
      staleness_seconds: 43_200,
      rounding_rule: 'half-even',
    })
    const text = `${capture.setId}|USD|1.329163319178|ecb|${friday}`
    expect(usd?.['hash']).to.equal(createHash('sha256').update(text).digest('hex'))
    expect(snapshots[1]).to.include({
      id: usd?.['id'],
      asset: 'USD',
      amountMinor: '2657',
      asOf: friday,
    })
  })

  it('answers in the order of the assets, however PostgreSQL joins', async () => {
    const all = ['enable_nestloop', 'enable_hashjoin', 'enable_mergejoin']
    for (const plan of all) {
      const others = all.filter((one) => one !== plan)
      const { capture, snapshots } = await create({}, [], others)
      expect(
        snapshots.map(({ asset }) => asset),
        plan,
      ).to.deep.equal(capture.assets)
    }
  })

  it('gives four rows to each of eight creations at once', async () => {
    const before = Number(String(await count()).split(' ')[0])
    await Promise.all(Array.from({ length: 8 }, () => create()))
    expect(Number(String(await count()).split(' ')[0])).to.equal(before + 32)
  })

  it('leaves the amounts open where the payer chooses', async () => {
    const { snapshots } = await create({ amountMinor: undefined })
    expect(snapshots.map(({ amountMinor }) => amountMinor)).to.deep.equal([null, null, null, null])
  })

  it('refuses when one is missing, names it, and writes nothing', async () => {
    const before = await count()
    const problem = await problemOf(create({ assets: ['EUR', 'USD', 'HBAR', 'JPY'] }))
    expect(problem.type.slug).to.equal('fx/rate-unavailable')
    expect(problem.detail).to.equal('GBP/HBAR is missing.')
    expect(await count()).to.equal(before)
  })

  it('inserts none of the others when one is missing, even if the caller goes on', async () => {
    const capture = { assets: ['EUR', 'USD', 'HBAR', 'JPY'] }
    let rows: readonly unknown[] = []
    await create(capture, []).catch(() => {})
    rows = await world.db.run(sql`select 1 from fx_snapshots where asset = 'HBAR'`)
    expect(rows).to.deep.equal([])
  })

  it('refuses rates that are too old, with their age, and writes nothing', async () => {
    const before = await count()
    const problem = await problemOf(create({ capturedAt: new Date('2026-03-26T00:00:00Z') }))
    expect(problem.detail).to.match(
      /^GBP\/EUR is 1728000 s old, at most \d+ s are allowed; GBP\/USD/,
    )
    expect(problem.facts['quotes']).to.deep.equal(['EUR', 'USD', 'AUD', 'JPY'])
    expect(await count()).to.equal(before)
  })

  it('stores rates that are too old, marked, when the caller allows it', async () => {
    const capturedAt = new Date('2026-03-26T00:00:00Z')
    const { snapshots } = await create({ capturedAt, allowStale: true })
    expect(snapshots.map(({ isStale }) => isStale)).to.deep.equal([true, true, true, true])
  })

  it('takes rates at the very edge of their age, and refuses them a millisecond later', async () => {
    const edge = new Date(friday).getTime() + 6 * 24 * 3600 * 1000
    const { snapshots } = await create({ capturedAt: new Date(edge) })
    expect(snapshots.map(({ isStale }) => isStale)).to.deep.equal([false, false, false, false])
    const problem = await problemOf(create({ capturedAt: new Date(edge + 1) }))
    expect(problem.facts['quotes']).to.deep.equal(['EUR', 'USD', 'AUD', 'JPY'])
  })

  it('converts up to 2^53 - 1 minor units, also into the currency itself, and refuses what JSON would round', async () => {
    const amountMinor = 9_007_199_254_740_991n
    const { snapshots } = await create({ currency: 'JPY', amountMinor })
    expect(snapshots.find(({ asset }) => asset === 'JPY')).to.include({
      rate: '1.000000000000',
      amountMinor: '9007199254740991',
    })
    const before = await count()
    const problem = await problemOf(create({ amountMinor }))
    expect(problem.type.slug).to.equal('fx/amount-out-of-range')
    expect(await count()).to.equal(before)
  })

  it('refuses an amount that does not fit, as a problem of the request', async () => {
    await seedRates(world.db, {
      provider: 'currency-api',
      base: 'EUR',
      asOf: '2026-03-06T11:30:00Z',
      rates: { JPY: '182.48', HBAR: '11.4', USD: '1.16', AUD: '1.65' },
    })
    const problem = await problemOf(
      create({
        currency: 'JPY',
        amountMinor: 9_007_199_254_740_991n,
        assets: ['EUR', 'USD', 'AUD', 'HBAR'],
        providers: ['currency-api'],
      }),
    )
    expect(problem.type).to.include({ slug: 'fx/amount-out-of-range', kind: 'unprocessable' })
  })

  it('converts at the stored rate, half to even, for every exponent from 0 to 4', async () => {
    const exponents: Record<string, number> = { JPY: 0, GBP: 2, USD: 2, KWD: 3, CLF: 4 }
    const halfEven = (dividend: bigint, divisor: bigint): bigint => {
      const whole = dividend / divisor
      const twice = (dividend % divisor) * 2n
      return twice > divisor || (twice === divisor && whole % 2n === 1n) ? whole + 1n : whole
    }
    const currency = fc.constantFrom(...Object.keys(exponents))
    await fc.assert(
      fc.asyncProperty(currency, fc.bigInt(1n, 10n ** 12n), async (from, amountMinor) => {
        const { snapshots } = await create({
          currency: from,
          amountMinor,
          assets: ['JPY', 'USD', 'KWD', 'CLF'],
        })
        for (const { asset, rate, amountMinor: converted } of snapshots) {
          const shift = (exponents[asset] ?? 0) - (exponents[from] ?? 0)
          const dividend =
            amountMinor * BigInt(rate.replace('.', '')) * 10n ** BigInt(Math.max(shift, 0))
          const divisor = 10n ** BigInt(12 + Math.max(-shift, 0))
          expect(converted, `${amountMinor} ${from} in ${asset}`).to.equal(
            halfEven(dividend, divisor).toString(),
          )
        }
      }),
      { numRuns: 40, seed: 26 },
    )
  })
})
