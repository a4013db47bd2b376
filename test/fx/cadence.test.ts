import { expect } from 'chai'
import { sql } from 'kysely'
import type { RequestListener } from 'node:http'
import { refreshCadence, type Fx } from '#fx'
import { clockAt, countStatements, json, openWorld, recorded, seedRates, xml } from './world.ts'
import type { World } from './world.ts'

const ecbDay = recorded('ecb/eurofxref-daily.2025-05-09.xml').replace('2025-05-09', '2026-09-29')
const tokens = recorded('currency-api/eur.2026.9.29.json')
const four = ['EUR', 'GBP', 'USD', 'AUD', 'JPY']

/** Which publisher a path belongs to. */
const publisherOf = (url = ''): string => url.split('/')[1] ?? ''

describe('fx cadence: who is asked, when, and for what', () => {
  let world: World
  let asked: string[]
  /** Publishers that do not answer. */
  let away: Set<string>

  const answer: RequestListener = (request, response) => {
    const publisher = publisherOf(request.url)
    asked.push(publisher)
    const documents: Record<string, RequestListener> = {
      'daily.xml': xml(ecbDay),
      currencies: json(tokens),
      oxr: json(recorded('open-exchange-rates/latest.json')),
    }
    const document = documents[publisher]
    if (document === undefined || away.has(publisher)) {
      response.writeHead(404).end()
    } else {
      document(request, response)
    }
  }

  before(async () => {
    // a Tuesday, after the hours of the bank
    world = await openWorld('2026-09-29T18:00:00Z')
  })
  beforeEach(async () => {
    await world.reset()
    asked = []
    away = new Set()
    world.publisher.answer = answer
  })
  after(() => world.close())

  const both = (parts: Parameters<World['fxWith']>[1] = {}): Fx =>
    world.fxWith({ providers: ['ecb', 'currency-api'] }, parts)
  const statusOf = async (work: ReturnType<typeof refreshCadence>) =>
    (await work).map(({ provider, status }) => [provider, status])

  it('asks one publisher once for all pairs of all organisations, in three statements', async () => {
    for (const wanted of [four, [...four, 'CHF', 'SEK', 'NOK', 'PLN', 'CZK', 'HUF', 'RON']]) {
      await world.reset()
      const { fx, statements } = countStatements(both())
      const [result, ...others] = await refreshCadence(fx, 'stable', { wanted })
      expect(result).to.include({ provider: 'ecb', status: 'stored', stored: 30, httpCalls: 1 })
      expect(others).to.deep.equal([])
      expect(world.publisher.calls).to.equal(1)
      // with the statement that finds the pairs: three
      expect(statements).to.have.length(2)
    }
  })

  it('asks for volatile tokens only who has them, and for currencies nobody beside', async () => {
    const wanted = [...four, 'HBAR', 'USDC']
    await refreshCadence(both(), 'volatile', { wanted })
    expect(asked).to.deep.equal(['currencies'])
    await refreshCadence(both(), 'stable', { wanted: four })
    expect(asked).to.deep.equal(['currencies', 'daily.xml'])
  })

  it('asks nobody for volatile tokens when no organisation has any', async () => {
    expect(await refreshCadence(both(), 'volatile', { wanted: four })).to.deep.equal([])
    expect(asked).to.deep.equal([])
  })

  it('asks the next publisher for what the first does not quote', async () => {
    const results = await statusOf(refreshCadence(both(), 'stable', { wanted: [...four, 'AED'] }))
    expect(results).to.deep.equal([
      ['ecb', 'stored'],
      ['currency-api', 'stored'],
    ])
  })

  it('falls back to the next publisher when the first fails, and keeps the last good rates', async () => {
    const { db } = world
    await seedRates(db, {
      provider: 'ecb',
      base: 'EUR',
      asOf: '2026-09-28T00:00:00Z',
      rates: { USD: '1.17' },
    })
    away.add('daily.xml')
    const results = await statusOf(refreshCadence(both(), 'stable', { wanted: four }))
    expect(results).to.deep.equal([
      ['ecb', 'failed'],
      ['currency-api', 'stored'],
    ])
    expect((await world.rates()).filter(({ provider }) => provider === 'ecb')).to.have.length(1)
    // five minutes later the first has its turn again, and the second has nothing new
    away.clear()
    world.clock.set('2026-09-29T18:05:30Z')
    expect(await statusOf(refreshCadence(both(), 'stable', { wanted: four }))).to.deep.equal([
      ['ecb', 'stored'],
    ])
  })

  it('leaves a publisher whose circuit is open to nobody, in any process, and asks the next', async () => {
    const until = new Date('2026-09-29T18:01:00Z')
    const transitions = { CLOSED: 0, OPEN: 1, HALF_OPEN: 0 }
    const breaker = {
      run: () => Promise.reject(new Error('the circuit is open')),
      reset: () => 'OPEN' as const,
      snapshot: () => ({ state: 'OPEN', failures: 5, nextAttemptAt: until, transitions }) as const,
    }
    const [open] = await refreshCadence(
      world.fxWith({ providers: ['ecb'] }, { breakerFor: () => breaker }),
      'stable',
      { wanted: four },
    )
    expect(open).to.include({ status: 'failed', httpCalls: 0 })
    const [batch] = await world.db.run(sql<{ breaker_state: string; retry_at: string }>`
      select breaker_state, retry_at from fx_batches`)
    expect(batch?.breaker_state).to.equal('OPEN')
    const results = await statusOf(refreshCadence(both(), 'stable', { wanted: four }))
    expect(results).to.deep.equal([
      ['ecb', 'early'],
      ['currency-api', 'stored'],
    ])
    expect(asked).to.deep.equal(['currencies'])
  })

  it('does not ask again what cannot have changed, however often it is called', async () => {
    for (let run = 0; run < 6; run += 1) {
      await refreshCadence(both(), 'volatile', { wanted: ['HBAR'] })
    }
    expect(asked).to.deep.equal(['currencies'])
    world.clock.set('2026-09-29T19:00:01Z')
    await refreshCadence(both(), 'volatile', { wanted: ['HBAR'] })
    expect(asked).to.have.length(2)
  })

  it('asks the bank in its hours until the day is there, and then no more', async () => {
    const run = async (at: string): Promise<number> => {
      world.clock.set(at)
      asked = []
      await refreshCadence(both(), 'reference')
      return asked.length
    }
    const { db } = world
    await seedRates(db, {
      provider: 'ecb',
      base: 'EUR',
      asOf: '2026-09-28T00:00:00Z',
      rates: { USD: '1.17' },
    })
    expect(await run('2026-09-29T13:30:00Z')).to.equal(0)
    away.add('daily.xml')
    expect(await run('2026-09-29T14:00:00Z')).to.equal(1)
    away.clear()
    expect(await run('2026-09-29T14:30:00Z')).to.equal(1)
    expect(await run('2026-09-29T15:00:00Z')).to.equal(0)
    expect(await run('2026-09-29T15:30:00Z')).to.equal(0)
  })

  it('makes one call and one row a rate for ten workers at once', async () => {
    const results = await Promise.all(
      Array.from({ length: 10 }, () => refreshCadence(both(), 'stable', { wanted: four })),
    )
    expect(world.publisher.calls).to.equal(1)
    expect(await world.rates()).to.have.length(30)
    const statuses = results.flat().map(({ status }) => status)
    expect(statuses.toSorted()).to.deep.equal([...Array<string>(9).fill('early'), 'stored'])
  })

  describe('when the clock jumps', () => {
    it('an hour or ten days back: asks at once, and then as rarely as ever', async () => {
      await refreshCadence(both(), 'volatile', { wanted: ['HBAR'] })
      for (const at of ['2026-09-29T17:00:00Z', '2026-09-28T18:00:00Z']) {
        world.clock.set(at)
        asked = []
        for (let run = 0; run < 5; run += 1) {
          await refreshCadence(both(), 'volatile', { wanted: ['HBAR'] })
        }
        expect(asked, at).to.have.length(1)
      }
    })

    it('ten days ahead: takes no old rates for new ones, and is itself again when the clock is', async () => {
      await refreshCadence(both(), 'stable', { wanted: four })
      world.clock.set('2026-10-09T18:00:00Z')
      const [result] = await refreshCadence(both(), 'stable', { wanted: four })
      expect(result).to.include({ provider: 'ecb', status: 'rejected' })
      world.clock.set('2026-09-29T18:10:00Z')
      asked = []
      for (let run = 0; run < 5; run += 1) {
        await refreshCadence(both(), 'stable', { wanted: four })
      }
      expect(asked).to.deep.equal([])
      expect(await world.rates()).to.have.length(30)
    })

    it('in one of two processes: the other is not kept from asking', async () => {
      const ahead = both({ clock: clockAt('2026-09-29T23:00:00Z') })
      await refreshCadence(ahead, 'volatile', { wanted: ['HBAR'] })
      await refreshCadence(both(), 'volatile', { wanted: ['HBAR'] })
      await refreshCadence(both(), 'volatile', { wanted: ['HBAR'] })
      expect(asked).to.deep.equal(['currencies', 'currencies'])
    })
  })
})
