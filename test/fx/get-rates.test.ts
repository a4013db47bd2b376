import { expect } from 'chai'
import { getRates, type Fx } from '#fx'
import { Problem } from '#platform/problem'
import { countStatements, openWorld, recorded, seedRates, xml, type World } from './world.ts'

const day = recorded('ecb/eurofxref-daily.2025-05-09.xml')
const codes = [...day.matchAll(/currency='([A-Z]{3})'/g)].map(([, code = '']) => code)

describe('fx rates of any pairs', () => {
  let world: World
  before(async () => {
    world = await openWorld('2025-05-09T18:00:00Z')
  })
  beforeEach(async () => {
    await world.reset()
    world.publisher.answer = xml(day)
  })
  after(() => world.close())

  /** A process whose statements are counted, also those of its shared reads. */
  const counted = (): { fx: Fx; statements: string[] } => {
    const { fx, statements } = countStatements(world.fx)
    return { fx: world.fxWith({}, { db: fx.db }), statements }
  }

  it('come for forty callers of the same turn from one statement', async () => {
    await getRates(world.fx, [{ base: 'GBP', quote: 'USD' }])
    world.publisher.calls = 0
    const { fx, statements } = counted()
    const pairs = codes.flatMap((quote) => [
      { base: 'GBP', quote },
      { base: 'USD', quote },
    ])
    const answers = await Promise.all(pairs.map((pair) => getRates(fx, [pair])))
    expect(answers.map(([rate]) => [rate?.base, rate?.quote])).to.deep.equal(
      pairs.map(({ base, quote }) => [base, quote]),
    )
    expect(statements).to.have.length(1)
    expect(world.publisher.calls).to.equal(0)
  })

  it('cost one call and four statements when they are missing, for however many callers', async () => {
    const { fx, statements } = counted()
    await Promise.all(codes.map((quote) => getRates(fx, [{ base: 'EUR', quote }])))
    expect(world.publisher.calls).to.equal(1)
    // read, ask (2), and read again: by those who joined, all in one turn
    expect(statements).to.have.length(4)
  })

  it('are those of one base each, whoever asked beside', async () => {
    const pairs = [
      { base: 'GBP', quote: 'USD' },
      { base: 'JPY', quote: 'AUD' },
      { base: 'USD', quote: 'GBP' },
      { base: 'AUD', quote: 'AUD' },
    ]
    const together = await getRates(world.fx, pairs)
    const alone = await Promise.all(
      pairs.map(async (pair) => (await getRates(world.fxWith(), [pair]))[0]),
    )
    const strip = (rates: readonly (object | undefined)[]) =>
      rates.map((rate) => ({ ...rate, stalenessSeconds: 0 }))
    expect(strip(together)).to.deep.equal(strip(alone))
  })

  it('take one statement for what many ask alike, and more for more than five hundred pairs or twenty bases', async () => {
    await getRates(world.fx, [{ base: 'GBP', quote: 'USD' }])
    const { fx, statements } = counted()
    const some = codes.map((quote) => ({ base: 'GBP', quote }))
    await Promise.all(Array.from({ length: 40 }, () => getRates(fx, some)))
    expect(statements).to.have.length(1)
    await getRates(
      fx,
      codes.flatMap((base) => codes.slice(0, 10).map((quote) => ({ base, quote }))),
    )
    // 30 bases of 10 quotes: 20 of them, and 10
    expect(statements).to.have.length(3)
    await getRates(
      fx,
      codes.slice(0, 18).flatMap((base) => codes.map((quote) => ({ base, quote }))),
    )
    // 18 bases of 30 quotes: 16 of them, and 2
    expect(statements).to.have.length(5)
  })

  it('name every pair that is missing, of whatever base', async () => {
    const error = await getRates(world.fx, [
      { base: 'GBP', quote: 'AED' },
      { base: 'USD', quote: 'GBP' },
      { base: 'JPY', quote: 'AFN' },
    ]).catch((reason: unknown) => reason)
    expect(error).to.be.instanceOf(Problem)
    expect(error).to.have.property('detail', 'GBP/AED is missing; JPY/AFN is missing.')
    expect(error).to.have.deep.property('facts', { pairs: ['GBP/AED', 'JPY/AFN'] })
  })

  it('that cannot be had do not spoil those of another caller', async () => {
    const [good, bad] = await Promise.allSettled([
      getRates(world.fx, [{ base: 'GBP', quote: 'USD' }]),
      getRates(world.fx, [{ base: 'GBP', quote: 'AED' }]),
    ])
    expect(good.status).to.equal('fulfilled')
    expect(bad.status).to.equal('rejected')
  })

  it('tell every caller when the database does not answer, and go on when it does', async () => {
    let isAway = true
    const run: World['db']['run'] = (statement) =>
      isAway ? Promise.reject(new Error('away')) : world.db.run(statement)
    const fx = world.fxWith({}, { db: { ...world.db, run } })
    const ask = () => getRates(fx, [{ base: 'GBP', quote: 'USD' }])
    const outcomes = await Promise.allSettled([ask(), ask()])
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected'])
    isAway = false
    expect(await ask()).to.have.length(1)
  })

  it('come with their age when they are too old and that is allowed', async () => {
    world.publisher.answer = (_, response) => void response.writeHead(503).end()
    await seedRates(world.db, {
      provider: 'ecb',
      base: 'EUR',
      asOf: '2025-04-01T00:00:00Z',
      rates: { USD: '1.08', GBP: '0.84' },
    })
    const [rate] = await getRates(world.fx, [{ base: 'GBP', quote: 'USD' }], { allowStale: true })
    expect(rate).to.include({ isStale: true, asOf: '2025-04-01T00:00:00Z' })
    expect(rate?.stalenessSeconds).to.be.above(38 * 24 * 3600)
  })
})
