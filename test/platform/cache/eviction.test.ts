import { createGhosts, hashKey } from '#platform/cache/eviction-ghosts'
import { createEviction } from '#platform/cache/eviction'
import type { Resident } from '#platform/cache/eviction-queue'
import { expect } from 'chai'
import { readTraces, tracesHere } from '../../support/cache-traces.ts'
import { hitRatioOfLru, hitRatioOfOptimum } from '../../support/replacement.ts'

/** An eviction of answers of one byte, and what left it, in order. */
function open(bytesMax: number) {
  const left: string[] = []
  const eviction = createEviction<undefined>({
    bytesMax,
    onEvicted: ({ key }) => left.push(key),
  })
  const admit = (key: string) => eviction.admit(key, undefined, 1)
  return { eviction, admit, left }
}

/** Admits so many, named by the prefix. */
function fill(admit: (key: string) => Resident<undefined>, prefix: string, count: number) {
  return Array.from({ length: count }, (_, index) => admit(`${prefix} ${index}`))
}

describe('eviction', () => {
  it('lets what was never used leave first, the oldest of it before the others', () => {
    const { eviction, admit, left } = open(100)
    const residents = fill(admit, 'first', 100)
    residents.filter((_, index) => index % 2 === 0).forEach((one) => eviction.use(one))
    fill(admit, 'second', 3)
    expect(left).to.deep.equal(['first 1', 'first 3', 'first 5'])
  })

  it('counts no use within the visit that brought it in', () => {
    const { eviction, admit, left } = open(1_000)
    const sameVisit = admit('used at once')
    eviction.use(sameVisit)
    const later = admit('used later')
    fill(admit, 'other', 998)
    eviction.use(later)
    fill(admit, 'new', 2)
    expect(left).to.deep.equal(['used at once', 'other 0'])
  })

  it('remembers what left, so that it stays when it is needed again', () => {
    const { admit, left } = open(100)
    fill(admit, 'first', 101)
    expect(left).to.deep.equal(['first 0'])
    admit('first 0')
    fill(admit, 'scanned', 500)
    expect(left.filter((key) => key === 'first 0')).to.have.length(1)
  })

  it('forgets what left long ago', () => {
    const { admit, left } = open(100)
    fill(admit, 'first', 400)
    admit('first 0')
    fill(admit, 'scanned', 500)
    expect(left.filter((key) => key === 'first 0')).to.have.length(2)
  })

  it('takes back as used what was in use when it was removed', () => {
    const { eviction, admit, left } = open(100)
    const [one, other] = fill(admit, 'first', 100)
    if (one && other) {
      eviction.use(one)
      eviction.remove(one)
      eviction.remove(other)
    }
    admit('first 0')
    admit('first 1')
    fill(admit, 'scanned', 500)
    expect(left).to.include('first 1')
    expect(left).not.to.include('first 0')
  })

  it('makes room for what grew, and not by letting that go', () => {
    const { eviction, admit, left } = open(100)
    const [oldest] = fill(admit, 'first', 100)
    if (oldest) {
      eviction.resize(oldest, 10)
    }
    expect(left).to.deep.equal(Array.from({ length: 9 }, (_, index) => `first ${index + 1}`))
    expect([eviction.bytes(), eviction.count()]).to.deep.equal([100, 91])
  })

  it('begins anew once it was cleared', () => {
    const { eviction, admit, left } = open(100)
    fill(admit, 'first', 101)
    eviction.clear()
    expect([eviction.bytes(), eviction.count()]).to.deep.equal([0, 0])
    admit('first 0')
    fill(admit, 'scanned', 500)
    expect(left.filter((key) => key === 'first 0')).to.have.length(2)
  })

  it('looks at few to find what leaves, even where all of 10,000 are used as often as counts', () => {
    const { eviction, admit, left } = open(10_000)
    const residents = fill(admit, 'first', 10_000)
    let lookedCount = 0
    for (const resident of residents) {
      let usesCount = 7
      Object.defineProperty(resident, 'usesCount', {
        get() {
          lookedCount += 1
          return usesCount
        },
        set(count: number) {
          usesCount = Math.max(1, count)
        },
      })
    }
    for (const index of Array.from({ length: 1_000 }).keys()) {
      lookedCount = 0
      admit(`second ${index}`)
      expect(lookedCount).to.be.at.most(250)
    }
    expect(left).to.have.length(1_000)
    expect(eviction.bytes()).to.equal(10_000)
  })
})

describe('the ghosts', () => {
  it('know each of as many keys as may leave, but for a few that others pushed out', () => {
    const ghosts = createGhosts()
    const hashes = Array.from({ length: 10_000 }, (_, index) => hashKey(`key ${index}`))
    hashes.forEach((hash) => ghosts.remember(hash, 10_000))
    const known = hashes.filter((hash) => ghosts.take(hash, 10_000))
    expect(known.length).to.be.at.least(9_500)
    expect(hashes.filter((hash) => ghosts.take(hash, 10_000))).to.deep.equal([])
  })

  it('take a key for another once in millions', () => {
    const ghosts = createGhosts()
    for (let index = 0; index < 10_000; index += 1) {
      ghosts.remember(hashKey(`key ${index}`), 10_000)
    }
    const strangers = Array.from({ length: 10_000 }, (_, index) => hashKey(`stranger ${index}`))
    expect(strangers.filter((hash) => ghosts.take(hash, 10_000))).to.deep.equal([])
  })

  it('forget the one that left first where more than four fall together', () => {
    const ghosts = createGhosts()
    const together = [1, 2, 3, 4, 5].map((one) => one << 20)
    together.forEach((hash) => ghosts.remember(hash, 100))
    expect(together.map((hash) => ghosts.take(hash, 100))).to.deep.equal([
      false,
      true,
      true,
      true,
      true,
    ])
  })

  it('know nothing after they were cleared', () => {
    const ghosts = createGhosts()
    ghosts.remember(hashKey('key'), 10)
    ghosts.clear()
    expect(ghosts.take(hashKey('key'), 10)).to.equal(false)
  })
})

describe('the yardsticks of the hit ratio', () => {
  // Computed apart from this code: capacity, LRU, optimum; per cent.
  const known: Readonly<Record<string, readonly (readonly [number, number, number])[]>> = {
    web12: [
      [75, 33.23, 51.91],
      [300, 49.01, 66.83],
      [1200, 66.85, 79.12],
      [3000, 76.48, 84.24],
    ],
    'web-semicomplete': [
      [50, 52.46, 65.92],
      [100, 61.23, 73.72],
      [250, 71.11, 81.77],
      [500, 79.3, 85.07],
    ],
  }
  for (const trace of readTraces([tracesHere]).traces) {
    it(`are those computed elsewhere for ${trace.name}`, () => {
      const percent = (ratio: number) => Math.round(ratio * 10_000) / 100
      const rows = trace.capacities.map((capacity) => [
        capacity,
        percent(hitRatioOfLru(trace, capacity)),
        percent(hitRatioOfOptimum(trace, capacity)),
      ])
      expect(rows).to.deep.equal(known[trace.name])
    })
  }
})
