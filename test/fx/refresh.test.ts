import { expect } from 'chai'
import { sql } from 'kysely'
import { refreshRates } from '#fx'
import { json, openWorld, recorded, xml, type World } from './world.ts'

const day = recorded('ecb/eurofxref-daily.2025-05-09.xml')
const monday = (change: (text: string) => string = (text) => text): string =>
  change(day.replace('2025-05-09', '2025-05-12'))

describe('fx refresh: what is stored', () => {
  let world: World
  before(async () => {
    world = await openWorld('2025-05-12T15:30:00Z')
  })
  beforeEach(async () => {
    await world.reset()
    world.publisher.answer = xml(day)
    await refreshRates(world.fx)
    world.publisher.calls = 0
  })
  after(() => world.close())

  const publish = async (text: string) => {
    world.publisher.answer = xml(text)
    const [result] = await refreshRates(world.fx)
    return result
  }
  const jpy = async () => (await world.rates()).filter(({ quote }) => quote === 'JPY')

  it('sets one wild rate aside, keeps it for the operator, and stores the others', async () => {
    const result = await publish(monday((text) => text.replace('163.36', '16336')))
    expect(result).to.include({ status: 'stored', stored: 29, excluded: 1 })
    const [good, wild] = await jpy()
    expect(good).to.include({ day: '2025-05-09', excluded: false })
    expect(wild).to.include({ day: '2025-05-12', rate: '16336', excluded: true })
    expect(wild?.['reason']).to.match(/is 100 times the last good rate 163.36/)
    expect((await world.batches()).at(-1)?.['error']).to.match(/set aside: JPY/)
  })

  it('says of an inverted rate that it looks inverted', async () => {
    await publish(monday((text) => text.replace('163.36', (1 / 163.36).toFixed(9))))
    expect((await jpy()).at(-1)?.['reason']).to.match(/looks inverted/)
  })

  it('lets a later good rate take the place of one that was set aside', async () => {
    await publish(monday((text) => text.replace('163.36', '16336')))
    const result = await publish(monday((text) => text.replace('163.36', '164.02')))
    expect(result).to.include({ status: 'stored', stored: 1, excluded: 0 })
    expect((await jpy()).at(-1)).to.include({ rate: '164.02', excluded: false, reason: null })
  })

  it('keeps the first good rate of an instant when another number follows for it', async () => {
    await publish(monday())
    const result = await publish(monday((text) => text.replace('163.36', '164.02')))
    expect(result).to.include({ status: 'unchanged', stored: 0 })
    expect((await jpy()).at(-1)).to.include({ rate: '163.36' })
  })

  it('keeps the previous rates of currencies that are missing, and notes them', async () => {
    const result = await publish(
      monday((text) => text.replace(/\s*<Cube currency='(ISK|ZAR)'[^>]*>/g, '')),
    )
    expect(result).to.include({ status: 'stored', stored: 28 })
    expect(result?.error).to.equal('missing, previous rates kept: ISK ZAR')
    const isk = (await world.rates()).filter(({ quote }) => quote === 'ISK')
    expect(isk).to.have.length(1)
  })

  it('drops a code that is no asset and stores the rest', async () => {
    const result = await publish(monday((text) => text.replace("'ISK'", "'QQQ'")))
    expect(result).to.include({ status: 'stored', stored: 29 })
  })

  it('changes nothing for a publication older than what is stored', async () => {
    await publish(monday())
    const result = await publish(day.replace('2025-05-09', '2025-05-08'))
    expect(result).to.include({ status: 'unchanged', stored: 0, httpCalls: 1 })
    expect(await world.rates()).to.have.length(60)
  })

  it('lets a real jump in once enough days have passed, and a unit mistake never', async () => {
    const jump = monday((text) => text.replace('43.5999', '63.0'))
    expect(await publish(jump)).to.include({ excluded: 0 })
    await world.db.run(sql`delete from fx_rates where as_of > '2025-05-10'`)
    const nextDay = jump.replace('2025-05-12', '2025-05-10')
    expect(await publish(nextDay)).to.include({ excluded: 1 })
    world.clock.set('2025-09-12T15:30:00Z')
    const muchLater = monday((text) =>
      text.replace('2025-05-12', '2025-09-12').replace('163.36', '16336'),
    )
    expect(await publish(muchLater)).to.include({ excluded: 1 })
  })

  it('believes the lira of 21 December 2021, a third dearer within a day', async () => {
    const dearer = day.replace('2025-05-09', '2025-05-10').replace('43.5999', '32.0051')
    expect(await publish(dearer)).to.include({ status: 'stored', excluded: 0 })
  })

  it('compares a first publication with what other providers know', async () => {
    const fx = world.fxWith({ providers: ['ecb', 'currency-api'] })
    const tokens = recorded('currency-api/eur.2026.9.29.json').replace('2026-09-29', '2025-05-12')
    world.publisher.answer = json(tokens.replace(/"jpy": [\d.]+/, '"jpy": 0.0055896'))
    const [result] = await refreshRates(fx, { only: ['currency-api'] })
    expect(result).to.include({ status: 'stored', excluded: 1 })
    expect(result?.error).to.match(/JPY .*looks inverted/)
  })

  it('does not let one provider that fails stop the others', async () => {
    const fx = world.fxWith({ providers: ['open-exchange-rates', 'ecb'] })
    world.publisher.answer = (request, response) =>
      (request.url?.startsWith('/oxr') === true ? json('{', 500) : xml(monday()))(request, response)
    const results = await refreshRates(fx)
    expect(results.map(({ provider, status }) => [provider, status])).to.deep.equal([
      ['open-exchange-rates', 'failed'],
      ['ecb', 'stored'],
    ])
  })

  it('reports a database that is gone without throwing', async () => {
    const broken = {
      ...world.fx,
      db: { ...world.db, pool: { connect: () => Promise.reject(new Error('gone')) } },
    }
    const [result] = await refreshRates(broken as never)
    expect(result).to.include({ status: 'failed', error: 'the database did not answer' })
  })

  it('makes one call for ten refreshes at once in this process', async () => {
    world.publisher.answer = xml(monday())
    const results = await Promise.all(Array.from({ length: 10 }, () => refreshRates(world.fx)))
    expect(world.publisher.calls).to.equal(1)
    expect(new Set(results.map(([result]) => result?.stored))).to.deep.equal(new Set([30]))
  })

  it('makes one call for four processes at once, and stores each rate once', async () => {
    world.publisher.answer = (request, response) => {
      setTimeout(() => xml(monday())(request, response), 50)
    }
    const processes = Array.from({ length: 4 }, () => world.fxWith())
    const results = await Promise.all(processes.map((fx) => refreshRates(fx)))
    expect(world.publisher.calls).to.equal(1)
    expect(results.map(([result]) => result?.stored)).to.deep.equal([30, 30, 30, 30])
    expect(await world.rates()).to.have.length(60)
  })

  it('needs at most three statements for a batch', async () => {
    world.publisher.answer = xml(monday())
    const statements: string[] = []
    const db = {
      ...world.db,
      run: (statement: never) => (statements.push('run'), world.db.run(statement)),
    }
    await refreshRates({ ...world.fx, db } as never)
    expect(statements).to.have.length.within(1, 3)
  })
})
