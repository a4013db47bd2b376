import { expect } from 'chai'
import * as fc from 'fast-check'
import { sql } from 'kysely'
import { findRates, type CrossRate } from '#fx'
import { openWorld, seedRates, type World } from './world.ts'

const friday = '2026-03-06T00:00:00Z'
const at = (iso: string): Date => new Date(iso)

/** left / right at 12 decimals, half to even, with bigints: the rule written a second time. */
function quotient(left: string, right: string): string {
  const [leftDigits, leftScale] = digits(left)
  const [rightDigits, rightScale] = digits(right)
  const dividend = leftDigits * 10n ** BigInt(12 + rightScale)
  const divisor = rightDigits * 10n ** BigInt(leftScale)
  const whole = dividend / divisor
  const twice = (dividend % divisor) * 2n
  const isUp = twice > divisor || (twice === divisor && whole % 2n === 1n)
  const text = (isUp ? whole + 1n : whole).toString().padStart(13, '0')
  return `${text.slice(0, -12)}.${text.slice(-12)}`
}

function digits(text: string): [bigint, number] {
  const [whole = '', fraction = ''] = text.split('.')
  return [BigInt(whole + fraction), fraction.length]
}

describe('fx cross rates', () => {
  let world: World
  const find = (
    base: string,
    quotes: string[],
    when: string,
    providers = ['ecb', 'currency-api'],
  ) => findRates(world, { base, quotes, providers, at: at(when) })
  const ecb = (asOf: string, rates: Record<string, string>) =>
    seedRates(world.db, { provider: 'ecb', base: 'EUR', asOf, rates })
  const second = (asOf: string, rates: Record<string, string>) =>
    seedRates(world.db, { provider: 'currency-api', base: 'EUR', asOf, rates })

  before(async () => {
    world = await openWorld('2026-03-06T12:00:00Z')
  })
  beforeEach(() => world.reset())
  after(() => world.close())

  it('gives both legs as published and their quotient at 12 decimals', async () => {
    await ecb(friday, { GBP: '0.87130', USD: '1.1581' })
    const [rate] = await find('GBP', ['USD'], '2026-03-06T12:00:00Z')
    expect(rate).to.include({
      base: 'GBP',
      quote: 'USD',
      provider: 'ecb',
      legBase: 'EUR',
      baseLeg: '0.87130',
      quoteLeg: '1.1581',
      rate: quotient('1.1581', '0.87130'),
      asOf: friday,
      stalenessSeconds: 43_200,
      isStale: false,
    })
  })

  it("answers in the order asked, whatever the publisher's base is to the pair", async () => {
    await ecb(friday, { GBP: '0.87', USD: '1.16', JPY: '182.5' })
    const rates = await find('EUR', ['JPY', 'EUR', 'USD'], '2026-03-06T12:00:00Z')
    expect(rates.map(({ quote, rate }) => [quote, rate])).to.deep.equal([
      ['JPY', '182.500000000000'],
      ['EUR', '1.000000000000'],
      ['USD', '1.160000000000'],
    ])
    const back = await find('USD', ['USD', 'EUR'], '2026-03-06T12:00:00Z')
    expect(back.map(({ quote, rate }) => [quote, rate])).to.deep.equal([
      ['USD', '1.000000000000'],
      ['EUR', quotient('1', '1.16')],
    ])
  })

  it('leaves out what nobody quotes and what is no asset', async () => {
    await ecb(friday, { USD: '1.16' })
    expect(await find('EUR', ['HBAR', 'NOPE'], '2026-03-06T12:00:00Z')).to.deep.equal([])
    expect(await find('NOPE', ['EUR'], '2026-03-06T12:00:00Z')).to.deep.equal([])
    expect(await find('EUR', ['USD'], '2026-03-06T12:00:00Z', [])).to.deep.equal([])
  })

  it('never mixes the legs of two publications', async () => {
    await ecb('2026-03-05T00:00:00Z', { GBP: '0.86', USD: '1.15' })
    await ecb(friday, { USD: '1.16' })
    const [rate] = await find('GBP', ['USD'], '2026-03-06T12:00:00Z')
    expect(rate).to.include({ baseLeg: '0.86', quoteLeg: '1.15', asOf: '2026-03-05T00:00:00Z' })
  })

  it('takes the last publication before a weekend, and never one of the future', async () => {
    await ecb('2026-03-05T00:00:00Z', { USD: '1.15' })
    await ecb(friday, { USD: '1.16' })
    await ecb('2026-03-09T00:00:00Z', { USD: '1.17' })
    const [sunday] = await find('EUR', ['USD'], '2026-03-08T12:00:00Z')
    expect(sunday).to.include({ rate: '1.160000000000', stalenessSeconds: 216_000, isStale: false })
    const [instant] = await find('EUR', ['USD'], '2026-03-09T00:00:00Z')
    expect(instant).to.include({ rate: '1.170000000000', stalenessSeconds: 0 })
    expect(await find('EUR', ['USD'], '2026-03-04T23:59:59Z')).to.deep.equal([])
  })

  it('does not use a quarantined rate, in either leg', async () => {
    await ecb('2026-03-05T00:00:00Z', { USD: '1.15', GBP: '0.86' })
    await ecb(friday, { USD: '116', GBP: '0.87' })
    await world.db.run(
      sql`update fx_rates set excluded = true, exclusion_reason = 'wild' where rate = 116`,
    )
    for (const [base, quote] of [
      ['EUR', 'USD'],
      ['USD', 'EUR'],
      ['GBP', 'USD'],
      ['USD', 'GBP'],
    ] as const) {
      const [rate] = await find(base, [quote], '2026-03-06T12:00:00Z')
      expect(rate?.asOf, `${base}/${quote}`).to.equal('2026-03-05T00:00:00Z')
    }
  })

  it('does not pair a leg with a quarantined one of the same day', async () => {
    await ecb('2026-03-04T00:00:00Z', { USD: '1.14', GBP: '0.85' })
    await ecb('2026-03-05T00:00:00Z', { USD: '115', GBP: '0.86' })
    await ecb(friday, { USD: '1.16' })
    await world.db.run(
      sql`update fx_rates set excluded = true, exclusion_reason = 'wild' where rate = 115`,
    )
    const [rate] = await find('GBP', ['USD'], '2026-03-06T12:00:00Z')
    expect(rate).to.include({ baseLeg: '0.85', quoteLeg: '1.14' })
  })

  it('prefers the first provider while it is fresh, though a later one is newer', async () => {
    await ecb('2026-03-05T00:00:00Z', { USD: '1.15' })
    await second(friday, { USD: '1.16' })
    expect(await find('EUR', ['USD'], '2026-03-06T12:00:00Z')).to.have.nested.property(
      '[0].provider',
      'ecb',
    )
    const swapped = await find('EUR', ['USD'], '2026-03-06T12:00:00Z', ['currency-api', 'ecb'])
    expect(swapped).to.have.nested.property('[0].provider', 'currency-api')
  })

  it('prefers a fresh rate of a later provider to a stale one of an earlier', async () => {
    await ecb('2026-01-05T00:00:00Z', { USD: '1.15' })
    await second(friday, { USD: '1.16' })
    const [rate] = await find('EUR', ['USD'], '2026-03-06T12:00:00Z')
    expect(rate).to.include({ provider: 'currency-api', isStale: false })
  })

  it('gives the newest of stale rates and says so', async () => {
    await ecb('2026-01-05T00:00:00Z', { USD: '1.15' })
    await second('2026-01-06T00:00:00Z', { USD: '1.16' })
    const [rate] = await find('EUR', ['USD'], '2026-03-06T12:00:00Z')
    expect(rate).to.include({ provider: 'currency-api', isStale: true })
  })

  it('holds a pair to the stricter limit of its two assets', async () => {
    const [limit] = await world.db.run(sql<{ max: number }>`
      select staleness_seconds_max as max from assets where code = 'HBAR'`)
    await second(friday, { HBAR: '11.36', USD: '1.16' })
    const late = new Date(Date.parse(friday) + ((limit?.max ?? 0) + 1) * 1000).toISOString()
    const both = await find('USD', ['HBAR', 'EUR'], late)
    expect(both.map(({ quote, isStale }) => [quote, isStale])).to.deep.equal([
      ['HBAR', true],
      ['EUR', false],
    ])
    expect(await find('HBAR', ['USD'], late)).to.have.nested.property('[0].isStale', true)
    const inTime = new Date(Date.parse(late) - 1000).toISOString()
    expect(await find('USD', ['HBAR'], inTime)).to.have.nested.property('[0].isStale', false)
  })

  it('is the exact quotient of the legs, and there and back again errs by less than half a unit of the last digit per hop', async () => {
    const published = fc
      .tuple(fc.bigInt(1n, 10n ** 9n), fc.integer({ min: 0, max: 6 }))
      .map(([whole, scale]) => {
        const text = whole.toString().padStart(scale + 1, '0')
        return scale === 0 ? text : `${text.slice(0, -scale)}.${text.slice(-scale)}`
      })
    await fc.assert(
      fc.asyncProperty(published, published, async (gbp, usd) => {
        await world.db.run(sql`delete from fx_rates`)
        await ecb(friday, { GBP: gbp, USD: usd })
        const [there, back] = [
          ...(await find('GBP', ['USD'], '2026-03-06T12:00:00Z')),
          ...(await find('USD', ['GBP'], '2026-03-06T12:00:00Z')),
        ].map((rate: CrossRate) => rate.rate)
        expect(there).to.equal(quotient(usd, gbp))
        expect(back).to.equal(quotient(gbp, usd))
        // |there * back - 1| <= (there + back) * half a unit + the product of both halves
        const unit = 10n ** 12n
        const [t, b] = [there, back].map((text) => BigInt((text ?? '').replace('.', '')))
        const error = (t ?? 0n) * (b ?? 0n) - unit * unit
        const bound = ((t ?? 0n) + (b ?? 0n)) / 2n + 2n
        expect(error < 0n ? -error <= bound : error <= bound).to.equal(true)
      }),
      { numRuns: 60, seed: 26 },
    )
  })
})
