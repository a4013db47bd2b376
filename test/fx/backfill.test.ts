import { expect } from 'chai'
import { sql } from 'kysely'
import { backfillRates, findHistoryGap } from '#fx'
import { openWorld, seedRates, xml, type World } from './world.ts'

const dayMs = 24 * 3600 * 1000

/** The full file as the ECB writes it, newest day first: so many working days until a Friday. */
function fullFile(
  daysCount: number,
  change = (text: string, _index: number): string => text,
): string {
  const days: string[] = []
  let at = Date.parse('2026-09-25T00:00:00Z')
  while (days.length < daysCount) {
    const day = new Date(at)
    if (day.getUTCDay() % 6 !== 0) {
      const rate = (1 + (days.length % 50) / 1000).toFixed(4)
      days.push(
        change(
          `<Cube time="${day.toISOString().slice(0, 10)}"><Cube currency="USD" rate="${rate}"/><Cube currency="GBP" rate="0.8${days.length % 10}1"/><Cube currency="JPY" rate="180"/><Cube currency="AUD" rate="1.6"/></Cube>`,
          days.length,
        ),
      )
    }
    at -= dayMs
  }
  return `<?xml version="1.0" encoding="UTF-8"?><gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref"><gesmes:subject>Reference rates</gesmes:subject><gesmes:Sender><gesmes:name>European Central Bank</gesmes:name></gesmes:Sender><Cube>${days.join('')}</Cube></gesmes:Envelope>`
}

describe('fx backfill', () => {
  let world: World
  before(async () => {
    world = await openWorld('2026-09-28T12:00:00Z')
  })
  beforeEach(() => world.reset())
  after(() => world.close())

  const counts = async () => {
    const [row] = await world.db.run(sql<{ rates: number; batches: number; calls: number }>`
      select (select count(*)::integer from fx_rates) as rates, count(*)::integer as batches,
             coalesce(sum(http_calls), 0)::integer as calls
        from fx_batches where purpose = 'history' and status = 'stored'`)
    return row
  }

  it('takes the whole history in parts, one insert each, and says how far it is', async () => {
    world.publisher.answer = xml(fullFile(620))
    const told: string[] = []
    const [result] = await backfillRates(world.fx, {
      reach: 'full',
      onProgress: async (done, total) => void told.push(`${done}/${total}`),
    })
    expect(result).to.include({ status: 'stored', stored: 2480, excluded: 0, httpCalls: 1 })
    expect(told).to.deep.equal([100, 200, 300, 400, 500, 600, 620].map((done) => `${done}/620`))
    expect(await counts()).to.deep.equal({ rates: 2480, batches: 7, calls: 1 })
    expect(await findHistoryGap(world.fx)).to.equal(undefined)
  })

  it('goes on where it was interrupted', async () => {
    world.publisher.answer = xml(fullFile(620))
    const stop = new AbortController()
    const error = await backfillRates(world.fx, {
      reach: 'full',
      signal: stop.signal,
      onProgress: async () => stop.abort(),
    }).catch((reason: unknown) => reason)
    expect(error).to.have.property('name', 'AbortError')
    expect(await counts()).to.include({ rates: 400 })
    const [result] = await backfillRates(world.fx, { reach: 'full' })
    expect(result).to.include({ status: 'stored', stored: 2080 })
  })

  it('stores nothing of a file of which a part is wrong, wherever that is', async () => {
    const wrong = (text: string, index: number): string =>
      index === 7 ? text.replace(/rate="[\d.]+"/, 'rate="NaN"') : text
    world.publisher.answer = xml(fullFile(620, wrong))
    const [result] = await backfillRates(world.fx, { reach: 'full' })
    expect(result).to.include({ status: 'rejected', stored: 0, httpCalls: 1 })
    expect(await world.rates()).to.deep.equal([])
    expect((await world.batches())[0]).to.include({ status: 'rejected', http_calls: 1 })
  })

  it('refuses a day that stands twice in parts far from each other', async () => {
    const last = /time="[\d-]+"/.exec(fullFile(1))?.[0] ?? ''
    world.publisher.answer = xml(
      fullFile(620, (text, index) => (index === 600 ? text.replace(/time="[\d-]+"/, last) : text)),
    )
    const [result] = await backfillRates(world.fx, { reach: 'full' })
    expect(result).to.include({ status: 'rejected', stored: 0 })
    expect(result?.error).to.match(/stands twice/)
  })

  it('compares old days with older ones, never with today, and sets a wild one aside', async () => {
    await seedRates(world.db, {
      provider: 'ecb',
      base: 'EUR',
      asOf: '2026-09-28T00:00:00Z',
      rates: { USD: '47.5' },
    })
    world.publisher.answer = xml(
      fullFile(620, (text, index) => (index === 300 ? text.replace('0.801', '80.1') : text)),
    )
    const [result] = await backfillRates(world.fx, { reach: 'full' })
    expect(result).to.include({ status: 'stored', stored: 2479, excluded: 1 })
  })

  it('runs once, however many start it', async () => {
    world.publisher.answer = (request, response) =>
      void setTimeout(() => xml(fullFile(300))(request, response), 50)
    const results = await Promise.all(
      Array.from({ length: 4 }, () => backfillRates(world.fxWith(), { reach: 'full' })),
    )
    expect(
      results
        .flat()
        .map(({ status }) => status)
        .toSorted(),
    ).to.deep.equal(['busy', 'busy', 'busy', 'stored'])
    expect(world.publisher.calls).to.equal(1)
  })

  it('makes the next question for rates of now neither sooner nor later', async () => {
    world.publisher.answer = xml(fullFile(300))
    await backfillRates(world.fx, { reach: 'full' })
    const [row] = await world.db.run(
      sql<{ n: number }>`select count(*)::integer as n from fx_batches where purpose = 'latest'`,
    )
    expect(row?.n).to.equal(0)
  })

  describe('finds what is missing', () => {
    const seedDays = async (...days: string[]): Promise<void> => {
      for (const day of days) {
        const publication = { provider: 'ecb', base: 'EUR', rates: { USD: '1.1' } }
        await seedRates(world.db, { ...publication, asOf: `${day}T00:00:00Z` })
      }
    }
    const near = ['2026-09-21', '2026-09-25']
    for (const [says, days, reach] of [
      ['everything, where nothing is stored', [], 'full'],
      ['everything, where it begins some days ago', near, 'full'],
      [
        'nothing, where only the newest days are not there yet',
        ['2026-06-01', '2026-06-05'],
        undefined,
      ],
      [
        'the last weeks, for a gap in them',
        [
          '2026-06-01',
          '2026-06-05',
          '2026-06-11',
          '2026-06-17',
          '2026-06-23',
          '2026-06-29',
          '2026-07-03',
          '2026-07-09',
          '2026-07-15',
          '2026-09-01',
        ],
        'recent',
      ],
      ['everything, for a gap long ago', ['2020-01-02', '2020-02-03', '2026-09-25'], 'full'],
      ['nothing over Easter', ['2026-04-02', '2026-04-07'], undefined],
    ] as const) {
      it(says, async () => {
        await seedDays(...days)
        expect(await findHistoryGap(world.fx)).to.equal(reach)
      })
    }
  })
})
