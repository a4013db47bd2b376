import { expect } from 'chai'
import { encode } from '#platform/cache/encodings'
import { cacheKey } from '#platform/cache/entry'
import { codings, entryOf, hold, sizeOf } from '#platform/cache/held'

/** An answer as a fill gives it: small bodies come out of a slab of 64 KiB that many share. */
function newHeld() {
  const snapshot = { xmin: 1, xmax: 1, xip: [] }
  const filling = {
    status: 200 as const,
    body: Buffer.from('{"data":[]}'.repeat(200)),
    headers: {},
    stamp: { epoch: 'one', snapshot },
    dependencies: { tags: ['members'], memberships: [] },
  }
  const making = {
    key: cacheKey('public', { route: 'r', shape: 'a', query: '' }),
    route: 'r',
    lifetime: { freshSeconds: 60, staleSeconds: 0 },
    sentAtMs: 0,
    filledAtMs: 0,
    fillMs: 1,
  }
  const entry = entryOf(filling, making)
  return hold(entry, { sentAtMs: 0, confirmedAtMs: 0, checkedNumber: 0, spread: 1 })
}

describe('an answer that is kept', () => {
  it('keeps no more memory alive than its body has', () => {
    const { body } = newHeld()
    expect(body.buffer.byteLength).to.equal(body.length)
  })

  for (const coding of codings) {
    it(`keeps and counts no more than the bytes of its body in ${coding}`, async () => {
      const held = newHeld()
      const before = sizeOf(held)
      const bytes = await encode(held, coding, () => undefined)
      expect(bytes.buffer.byteLength).to.equal(bytes.length)
      expect(sizeOf(held) - before).to.be.within(bytes.length, bytes.length + 200)
    })
  }
})
