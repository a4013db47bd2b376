import { expect } from 'chai'
import type { CacheRead } from '#platform/cache/cache'
import { cacheKey } from '#platform/cache/entry'
import { warmUp, type WarmRead, type WarmUp } from '#platform/cache/warm-up'
import { systemClock } from '#platform/clock'
import { createLog } from '#platform/log'

const readOf = (name: string): CacheRead => ({
  key: cacheKey('public', { route: name, shape: '', query: '' }),
  route: name,
  lifetime: { freshSeconds: 1, staleSeconds: 0 },
  fill: () => Promise.reject(new Error('not here')),
})

async function* listed(names: readonly string[]): AsyncIterable<WarmRead> {
  yield* names.map((name) => ({ source: 'test', read: readOf(name) }))
}

/** What the driver of PostgreSQL says when the server is gone. */
const gone = (): Error => Object.assign(new Error('terminated'), { code: '57P01' })

describe('warming answers', () => {
  const names = Array.from({ length: 9 }, (_, index) => `answer ${index}`)
  let asked: string[]
  let atOnce: number
  let atOnceMost: number
  let refreshing: number
  let isBusy: boolean
  let stopping: AbortController
  let fail: (name: string) => Error | undefined
  beforeEach(() => {
    asked = []
    atOnce = atOnceMost = refreshing = 0
    isBusy = false
    stopping = new AbortController()
    fail = () => undefined
  })

  const start = (reads = listed(names)): Promise<WarmUp> =>
    warmUp(
      reads,
      {
        clock: systemClock,
        log: createLog('test', 'silent'),
        isBusy: () => isBusy,
        signal: stopping.signal,
        cache: {
          refreshing: () => refreshing,
          async warm({ route }) {
            asked.push(route)
            atOnce += 1
            atOnceMost = Math.max(atOnceMost, atOnce)
            await systemClock.sleep(1)
            atOnce -= 1
            const error = fail(route)
            if (error) {
              throw error
            }
            return 'filled'
          },
        },
      },
      2,
    )

  it('goes through them in their order, two at a time', async () => {
    const { filled, sources, isComplete } = await start()
    expect([filled, sources, isComplete]).to.deep.equal([9, { test: 9 }, true])
    expect([asked, atOnceMost]).to.deep.equal([names, 2])
  })

  it('begins nothing while requests wait or answers are refreshed, and goes on afterwards', async () => {
    isBusy = true
    const done = start()
    await systemClock.sleep(30)
    expect(asked).to.deep.equal([])
    refreshing = 1
    isBusy = false
    await systemClock.sleep(30)
    expect(asked).to.deep.equal([])
    refreshing = 0
    expect(await done).to.include({ filled: 9, isComplete: true })
  })

  it('counts what fails and goes on', async () => {
    fail = (name) => (name === 'answer 3' ? new Error('no such column') : undefined)
    expect(await start()).to.include({ filled: 8, failed: 1, isComplete: true })
  })

  it('ends when the database is away, also where it is asked what to warm', async () => {
    fail = (name) => (name === 'answer 2' ? gone() : undefined)
    expect(await start()).to.include({ filled: 8, failed: 1, isComplete: true })
    asked = []
    fail = gone
    const { isComplete, filled } = await start()
    expect([isComplete, filled]).to.deep.equal([false, 0])
    expect(asked.length).to.be.within(3, 4)
    fail = () => undefined
    async function* cut(): AsyncIterable<WarmRead> {
      yield* listed(['first'])
      throw gone()
    }
    expect(await start(cut())).to.include({ filled: 1, isComplete: false })
  })

  it('ends when the process stops, also while it waits for its turn', async () => {
    isBusy = true
    const done = start()
    stopping.abort()
    expect(await done).to.include({ filled: 0, isComplete: false })
    stopping = new AbortController()
    isBusy = false
    fail = () => {
      stopping.abort()
      return undefined
    }
    expect(await start()).to.include({ isComplete: false })
    expect(asked.length).to.be.below(6)
  })
})
