import { expect } from 'chai'
import { ensureRates } from '#fx'
import { Problem } from '#platform/problem'
import { json, openWorld, recorded, seedRates, xml, type World } from './world.ts'

const day = recorded('ecb/eurofxref-daily.2025-05-09.xml')
const four = ['EUR', 'USD', 'AUD', 'JPY']

/** The problem that the work ends with. */
async function problemOf(work: Promise<unknown>): Promise<Problem> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof Problem) {
    return error
  }
  throw new Error('it did not end with a problem', { cause: error })
}

describe('fx ensure: four rates for a link', () => {
  let world: World
  before(async () => {
    world = await openWorld('2025-05-12T15:30:00Z')
  })
  beforeEach(async () => {
    await world.reset()
    world.publisher.answer = xml(day)
  })
  after(() => world.close())

  it('reads them without a call when they are there', async () => {
    await ensureRates(world.fx, 'GBP', four)
    world.publisher.calls = 0
    const rates = await ensureRates(world.fx, 'GBP', four)
    expect(rates.map(({ quote }) => quote)).to.deep.equal(four)
    expect(world.publisher.calls).to.equal(0)
  })

  it('makes one call for ten callers at once that miss them', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => ensureRates(world.fx, 'GBP', four)),
    )
    expect(world.publisher.calls).to.equal(1)
    for (const rates of answers) {
      expect(rates).to.have.length(4)
    }
  })

  it('makes one call for ten processes at once that miss them', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => ensureRates(world.fxWith(), 'GBP', four)),
    )
    expect(world.publisher.calls).to.equal(1)
    expect(answers.map((rates) => rates.length)).to.deep.equal(Array(10).fill(4))
  })

  it('asks the next provider for what the first could not give', async () => {
    world.clock.set('2026-09-29T00:30:00Z')
    world.publisher.answer = (request, response) =>
      (request.url === '/daily.xml'
        ? xml(day.replace('2025-05-09', '2026-09-28'))
        : json(recorded('currency-api/eur.2026.9.29.json')))(request, response)
    const fx = world.fxWith({ providers: ['ecb', 'currency-api'] })
    const rates = await ensureRates(fx, 'GBP', ['USD', 'HBAR'])
    expect(rates.map(({ quote, provider }) => [quote, provider])).to.deep.equal([
      ['USD', 'ecb'],
      ['HBAR', 'currency-api'],
    ])
  })

  it('does not ask a provider of currencies for tokens', async () => {
    const problem = await problemOf(ensureRates(world.fx, 'GBP', ['HBAR']))
    expect(problem.type).to.include({ slug: 'fx/rate-unavailable', kind: 'unavailable' })
    expect(world.publisher.calls).to.equal(0)
  })

  it('says which is missing', async () => {
    const problem = await problemOf(ensureRates(world.fx, 'GBP', ['USD', 'AED']))
    expect(problem.detail).to.equal('GBP/AED is missing.')
    expect(problem.facts).to.deep.equal({ base: 'GBP', quotes: ['AED'] })
  })

  it('does not turn every request for a pair that nobody quotes into a call', async () => {
    for (let round = 0; round < 5; round += 1) {
      await problemOf(ensureRates(world.fx, 'GBP', ['AED']))
    }
    expect(world.publisher.calls).to.equal(1)
    world.clock.set('2025-05-12T15:31:00Z')
    await problemOf(ensureRates(world.fx, 'GBP', ['AED']))
    expect(world.publisher.calls).to.equal(2)
  })

  it('refuses a rate that is too old and says how old, unless an old one will do', async () => {
    await ensureRates(world.fx, 'GBP', ['USD'])
    world.clock.set('2025-06-12T00:00:00Z')
    world.publisher.answer = (_, response) => void response.writeHead(503).end()
    const problem = await problemOf(ensureRates(world.fx, 'GBP', ['USD']))
    expect(problem.detail).to.match(/^GBP\/USD is 29376\d\d s old, at most \d+ s are allowed\.$/)
    const [rate] = await ensureRates(world.fx, 'GBP', ['USD'], { allowStale: true })
    expect(rate).to.include({ isStale: true, asOf: '2025-05-09T00:00:00Z' })
  })

  it('refuses what is missing even when an old one would do', async () => {
    const problem = await problemOf(ensureRates(world.fx, 'GBP', ['AED'], { allowStale: true }))
    expect(problem.detail).to.equal('GBP/AED is missing.')
  })

  it('waits no longer than it may, and leaves the call to those who come after', async () => {
    let finish = (): void => {}
    world.publisher.answer = (request, response) => {
      finish = () => xml(day)(request, response)
    }
    const http = { ...world.fx.options.http, headersTimeoutMs: 5_000, totalTimeoutMs: 5_000 }
    const fx = world.fxWith({ ensureTimeoutMs: 100, http })
    const startedMs = performance.now()
    await problemOf(ensureRates(fx, 'GBP', four))
    expect(performance.now() - startedMs).to.be.below(1_000)
    finish()
    const rates = await ensureRates(
      { ...fx, options: { ...fx.options, ensureTimeoutMs: 3_000 } },
      'GBP',
      four,
    )
    expect(rates).to.have.length(4)
    expect(world.publisher.calls).to.equal(1)
  })

  it('ends at once when its caller leaves', async () => {
    world.publisher.answer = () => {}
    const leaving = AbortSignal.timeout(30)
    const error = await ensureRates(world.fx, 'GBP', four, { signal: leaving }).catch(
      (reason: unknown) => reason,
    )
    expect(error).to.have.property('name', 'TimeoutError')
  })

  it('uses the replay when the ECB is out of reach and its last day is old', async () => {
    await seedRates(world.db, {
      provider: 'ecb',
      base: 'EUR',
      asOf: '2025-01-09T00:00:00Z',
      rates: { USD: '1.03', GBP: '0.83' },
    })
    world.publisher.answer = (_, response) => void response.writeHead(503).end()
    const [rate] = await ensureRates(world.fxWith({ providers: ['ecb', 'demo-replay'] }), 'GBP', [
      'USD',
    ])
    expect(rate).to.include({ provider: 'demo-replay', isStale: false, quoteLeg: '1.03' })
  })
})
