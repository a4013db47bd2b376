import { expect } from 'chai'
import fc from 'fast-check'
import { WindowCounts } from '#platform/rate-limit/window-counts'
import type { Policy } from '#platform/rate-limit/window'

const policy: Policy = { name: 'key', quota: 10, windowSeconds: 60 }
/** The beginning of a window. */
const startMs = 60_000 * 1000

const open = (changed: Partial<Policy> = {}, partitionsMax = 1000) =>
  new WindowCounts({ ...policy, ...changed }, partitionsMax)

/** How many of `count` were allowed. */
function takeMany(counts: WindowCounts, atMs: number, count: number, partition = 'a'): number {
  let allowed = 0
  for (let taken = 0; taken < count; taken += 1) {
    allowed += counts.take(partition, atMs, 1).isAllowed ? 1 : 0
  }
  return allowed
}

describe('the counts of one policy', () => {
  it('allow exactly the quota at once, and say how much is left', () => {
    const counts = open()
    const left = Array.from({ length: 12 }, () => counts.take('a', startMs, 1).remaining)
    expect(left).to.deep.equal([9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0])
    expect(counts.take('a', startMs, 1).isAllowed).to.equal(false)
  })

  it('allow nothing more at the border of two windows', () => {
    const counts = open()
    expect(takeMany(counts, startMs + 59_999, 20)).to.equal(10)
    expect(takeMany(counts, startMs + 60_000, 20)).to.equal(0)
  })

  it('give back as much as has left the window', () => {
    const counts = open()
    takeMany(counts, startMs + 59_999, 20)
    expect(takeMany(counts, startMs + 90_000, 20)).to.equal(5)
    expect(takeMany(counts, startMs + 180_000, 20)).to.equal(10)
  })

  it('keep partitions apart', () => {
    const counts = open()
    takeMany(counts, startMs, 20)
    expect(takeMany(counts, startMs, 20, 'b')).to.equal(10)
  })

  it('look without counting, also at partitions that were never asked for', () => {
    const counts = open()
    counts.take('a', startMs, 1)
    for (let looked = 0; looked < 20; looked += 1) {
      counts.look('a', startMs)
    }
    expect(counts.look('a', startMs)).to.deep.equal({
      isAllowed: true,
      remaining: 9,
      resetSeconds: 120,
    })
    expect(counts.look('b', startMs).remaining).to.equal(10)
    expect(counts.size).to.equal(1)
  })

  it('count what costs more, whole or not at all', () => {
    const counts = open()
    expect(counts.take('a', startMs, 7).remaining).to.equal(3)
    expect(counts.take('a', startMs, 4).isAllowed).to.equal(false)
    expect(counts.take('a', startMs, 3).isAllowed).to.equal(true)
  })

  it('are not confused by a clock that is put right by a moment', () => {
    const counts = open()
    takeMany(counts, startMs + 60_000, 6)
    expect(takeMany(counts, startMs + 59_990, 20)).to.equal(4)
  })

  it('keep to their bound, and forget first what was not asked for for longest', () => {
    const counts = open({}, 100)
    takeMany(counts, startMs, 20, 'busy')
    for (let stranger = 0; stranger < 10_000; stranger += 1) {
      counts.take(`stranger ${stranger}`, startMs, 1)
      counts.look('busy', startMs)
    }
    expect(counts.size).to.be.at.most(102)
    expect(takeMany(counts, startMs, 20, 'busy')).to.equal(0)
    expect(counts.collect(100_000, startMs)).to.have.length.at.most(102)
  })

  it('decide as a plain count of everything that was ever allowed would', () => {
    const gaps = fc.array(fc.tuple(fc.nat(40_000), fc.integer({ min: 1, max: 4 })), {
      maxLength: 80,
    })
    const property = fc.property(gaps, fc.integer({ min: 1, max: 20 }), (steps, quota) => {
      const counts = open({ quota })
      const allowed: { atMs: number; cost: number }[] = []
      let atMs = startMs
      for (const [gapMs, cost] of steps) {
        atMs += gapMs
        const index = Math.floor(atMs / 60_000)
        const inWindow = (window: number): number =>
          allowed
            .filter((one) => Math.floor(one.atMs / 60_000) === window)
            .reduce((sum, one) => sum + one.cost, 0)
        const weight = 1 - (atMs - index * 60_000) / 60_000
        const used = inWindow(index) + inWindow(index - 1) * weight
        const isRoom = used + cost <= quota + 1e-9
        expect(counts.take('a', atMs, cost).isAllowed).to.equal(isRoom)
        if (isRoom) {
          allowed.push({ atMs, cost })
        }
      }
    })
    fc.assert(property, { numRuns: 300 })
  })

  it('tell the second from which there is more, and none before', () => {
    const gaps = fc.array(fc.nat(40_000), { minLength: 1, maxLength: 60 })
    const property = fc.property(gaps, fc.integer({ min: 1, max: 20 }), (steps, quota) => {
      const counts = open({ quota })
      let atMs = startMs
      for (const gapMs of steps) {
        atMs += gapMs
        const told = counts.take('a', atMs, 1)
        expect(told.isAllowed || told.remaining === 0).to.equal(true)
        expect(told.resetSeconds).to.be.within(1, 120)
      }
      const last = counts.take('a', atMs, 1)
      const left = last.remaining
      expect(counts.look('a', atMs + (last.resetSeconds - 1) * 1000).remaining).to.be.at.most(left)
      expect(counts.look('a', atMs + last.resetSeconds * 1000).remaining).to.be.above(left)
    })
    fc.assert(property, { numRuns: 500 })
  })
})
