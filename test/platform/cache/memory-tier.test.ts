import { createMemoryTier } from '#platform/cache/memory-tier'
import { expect } from 'chai'
import * as fc from 'fast-check'
import { readTraces, tracesHere } from '../../support/cache-traces.ts'
import { hitRatioOfLru, hitRatioOfOptimum, hitRatioOfTier } from '../../support/replacement.ts'

/** Weighs what it says. */
type Parcel = { bytes: number }

const bytesMax = 800
const largest = 100
const sizeOf = ({ bytes }: Parcel) => bytes
const open = () => createMemoryTier<Parcel>({ bytesMax, sizeOf })

/** Reads it, and has it made when it is not there, as every reader does. */
function read(tier: ReturnType<typeof open>, key: string, bytes = 10): void {
  if (!tier.get(key)) {
    tier.set(key, { bytes })
  }
}

describe('the tier in memory', () => {
  it('gives back the very value that was set last, to look at as to use', () => {
    const tier = open()
    const [first, second] = [{ bytes: 1 }, { bytes: 2 }]
    tier.set('a', first)
    tier.set('a', second)
    tier.set('b', first)
    expect([tier.get('a'), tier.peek('a'), tier.get('b')]).to.deep.equal([second, second, first])
    expect(tier.get('a')).to.equal(second)
    expect([tier.bytes(), tier.count()]).to.deep.equal([3, 2])
    expect([...tier.entries()]).to.have.deep.members([
      ['a', second],
      ['b', first],
    ])
  })

  it('has nothing under a key that was not set, was deleted, or was cleared away', () => {
    const tier = open()
    for (const key of ['a', 'b', 'c']) {
      tier.set(key, { bytes: 10 })
    }
    tier.delete('a')
    tier.delete('never set')
    expect([tier.get('a'), tier.peek('a'), tier.get('never set')]).to.deep.equal(
      Array.from({ length: 3 }),
    )
    expect([tier.bytes(), tier.count(), tier.evictedCount()]).to.deep.equal([20, 2, 0])
    tier.clear()
    expect([tier.get('b'), [...tier.entries()]]).to.deep.equal([undefined, []])
    expect([tier.bytes(), tier.count()]).to.deep.equal([0, 0])
  })

  for (const key of ['constructor', 'toString', 'hasOwnProperty', '__proto__', 't', 'v', '']) {
    it(`is not confused by the key '${key}'`, () => {
      const tier = open()
      expect([tier.get(key), tier.peek(key)]).to.deep.equal([undefined, undefined])
      tier.set(key, { bytes: 10 })
      expect(tier.bytes()).to.equal(tier.get(key) ? 10 : 0)
      expect([...tier.entries()].map(([one]) => one)).to.have.length(tier.count())
      tier.delete(key)
      expect([tier.get(key), tier.bytes(), tier.count()]).to.deep.equal([undefined, 0, 0])
    })
  }

  it('keeps nothing larger than an eighth of its bound, nor what was there before it', () => {
    const tier = open()
    tier.set('a', { bytes: largest })
    tier.set('b', { bytes: largest + 1 })
    tier.set('c', { bytes: Number.NaN })
    tier.set('d', { bytes: -1 })
    expect([...tier.entries()].map(([key]) => key)).to.deep.equal(['a'])
    tier.set('a', { bytes: largest + 1 })
    expect([tier.get('a'), tier.bytes(), tier.count()]).to.deep.equal([undefined, 0, 0])
  })

  it('counts the bytes that a value has after it was resized, and drops it once it is too large', () => {
    const tier = open()
    const value = { bytes: 10 }
    tier.set('a', value)
    value.bytes = 70
    tier.resize('a')
    tier.resize('never set')
    expect([tier.bytes(), tier.get('a')]).to.deep.equal([70, value])
    value.bytes = largest + 1
    tier.resize('a')
    expect([tier.bytes(), tier.count(), tier.get('a')]).to.deep.equal([0, 0, undefined])
  })

  it('may lose entries while somebody walks over them', () => {
    const tier = open()
    for (const key of ['a', 'b', 'c', 'd']) {
      tier.set(key, { bytes: 10 })
    }
    const seen = []
    for (const [key] of tier.entries()) {
      seen.push(key)
      tier.delete('a')
      tier.delete('c')
      tier.delete(key)
    }
    expect(seen).to.deep.equal(['a', 'b', 'd'])
    expect(tier.count()).to.equal(0)
  })
})

const key = fc.constantFrom(...Array.from({ length: 40 }, (_, index) => `key ${index}`))
const bytes = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 0, max: largest }) },
  fc.integer({ min: largest, max: bytesMax * 2 }),
)
const operation = fc.oneof(
  { weight: 8, arbitrary: fc.record({ name: fc.constant('set' as const), key, bytes }) },
  { weight: 8, arbitrary: fc.record({ name: fc.constant('get' as const), key }) },
  { weight: 2, arbitrary: fc.record({ name: fc.constant('resize' as const), key, bytes }) },
  { weight: 2, arbitrary: fc.record({ name: fc.constant('delete' as const), key }) },
  { weight: 1, arbitrary: fc.record({ name: fc.constantFrom('peek' as const), key }) },
  fc.constant({ name: 'clear' as const, key: '' }),
)

describe('whatever is done to the tier in memory', () => {
  it('its bytes stay within the bound and it has what was set last or nothing, never anything else', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 300, size: 'max' }), (operations) => {
        const tier = open()
        const model = new Map<string, Parcel>()
        for (const step of operations) {
          const value = model.get(step.key)
          switch (step.name) {
            case 'set': {
              const parcel = { bytes: step.bytes }
              tier.set(step.key, parcel)
              model.set(step.key, parcel)
              expect(tier.peek(step.key)).to.equal(step.bytes <= largest ? parcel : undefined)
              break
            }
            case 'resize': {
              if (value && tier.peek(step.key)) {
                value.bytes = step.bytes
                tier.resize(step.key)
                expect(tier.peek(step.key)).to.equal(step.bytes <= largest ? value : undefined)
              }
              break
            }
            case 'delete': {
              tier.delete(step.key)
              model.delete(step.key)
              break
            }
            case 'clear': {
              tier.clear()
              model.clear()
              break
            }
            case 'get':
            case 'peek': {
              expect(tier[step.name](step.key)).to.be.oneOf([undefined, value])
            }
          }
          expect(tier.bytes()).to.be.at.most(bytesMax)
        }
        const entries = [...tier.entries()]
        expect(entries.filter(([one, value]) => model.get(one) !== value)).to.deep.equal([])
        expect(tier.count()).to.equal(entries.length)
        expect(tier.bytes()).to.equal(entries.reduce((sum, [, one]) => sum + one.bytes, 0))
      }),
      { numRuns: 300, seed: 20_261_125 },
    )
  })

  it('as much stays as fits: nothing leaves before the bytes are spent, and then no more than must', () => {
    const tier = open()
    for (let index = 0; index < 80; index += 1) {
      tier.set(`key ${index}`, { bytes: 10 })
    }
    expect([tier.bytes(), tier.evictedCount()]).to.deep.equal([bytesMax, 0])
    tier.set('another', { bytes: 25 })
    expect([tier.bytes(), tier.count(), tier.evictedCount()]).to.deep.equal([795, 78, 3])
  })
})

describe('what the tier in memory keeps when the bytes are spent', () => {
  const names = (prefix: string) => Array.from({ length: 40 }, (_, index) => `${prefix} ${index}`)
  const isHeld = (tier: ReturnType<typeof open>) => (one: string) => tier.peek(one) !== undefined

  it('is what is in use, through a scan of a hundred times as many keys as it holds', () => {
    const tier = open()
    const used = names('used')
    for (let round = 0; round < 4; round += 1) {
      used.forEach((one) => read(tier, one))
      read(tier, `other ${round}`)
    }
    for (let index = 0; index < 8_000; index += 1) {
      read(tier, `scanned ${index}`)
      if (index % 4 === 0) {
        const one = used[(index / 4) % used.length] ?? ''
        expect(tier.get(one), `${one} after ${index}`).not.to.equal(undefined)
      }
    }
    expect(used.filter(isHeld(tier))).to.deep.equal(used)
    expect(tier.bytes()).to.equal(bytesMax)
  })

  it('is not decided by looking, only by use', () => {
    const tier = open()
    read(tier, 'looked at')
    for (let index = 0; index < 200; index += 1) {
      tier.peek('looked at')
      read(tier, `other ${index}`)
    }
    expect(tier.peek('looked at')).to.equal(undefined)
  })

  it('follows what is in use when that changes', () => {
    const tier = open()
    for (const used of [names('before'), names('lately'), names('now')]) {
      for (let round = 0; round < 20; round += 1) {
        used.forEach((one) => read(tier, one))
        read(tier, `other ${used[0]} ${round}`)
      }
      expect(used.filter(isHeld(tier))).to.deep.equal(used)
    }
    expect(names('before').filter(isHeld(tier)).length).to.be.at.most(20)
  })
})

describe('on requests to real systems the tier in memory', () => {
  const { traces } = readTraces([tracesHere])
  const rows = traces.flatMap((trace) => trace.capacities.map((capacity) => ({ trace, capacity })))

  for (const { trace, capacity } of rows) {
    it(`hits no less than LRU: ${trace.name}, room for ${capacity}`, () => {
      expect(hitRatioOfTier(trace, capacity)).to.be.at.least(hitRatioOfLru(trace, capacity))
    })
  }

  it('gains a quarter of the distance from LRU to the optimum, on average', () => {
    const shares = rows.map(({ trace, capacity }) => {
      const lru = hitRatioOfLru(trace, capacity)
      return (hitRatioOfTier(trace, capacity) - lru) / (hitRatioOfOptimum(trace, capacity) - lru)
    })
    expect(shares).to.have.length(8)
    expect(shares.reduce((sum, share) => sum + share, 0) / shares.length).to.be.at.least(0.25)
  })
})
