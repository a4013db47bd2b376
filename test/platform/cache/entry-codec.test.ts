import { expect } from 'chai'
import * as fc from 'fast-check'
import { crc32 } from 'node:zlib'
import { cacheKey, type CacheKey, type Entry } from '#platform/cache/entry'
import { decodeEntry, encodeEntry, entryBytesMax } from '#platform/cache/entry-codec'
import { entryOf, epochs, newKey } from './redis-fixture.ts'

const text = () => fc.string({ unit: 'binary', maxLength: 30 })
const texts = () => fc.array(text(), { maxLength: 4 })

const snapshots = fc
  .tuple(
    fc.integer({ min: 3, max: 2 ** 52 }),
    fc.uniqueArray(fc.integer({ min: 0, max: 500 }), { maxLength: 20 }),
  )
  .map(([xmin, offsets]) => {
    const xip = offsets.map((offset) => xmin + offset).toSorted((one, other) => one - other)
    return { xmin, xmax: (xip.at(-1) ?? xmin) + 1, xip }
  })

const intervals = fc.record(
  {
    columns: fc.array(
      fc.record({ name: text(), type: fc.constantFrom('text', 'number', 'instant') }),
      { maxLength: 3 },
    ),
    isDown: fc.boolean(),
    first: texts(),
    last: texts(),
  },
  { requiredKeys: ['columns', 'isDown'], noNullPrototype: true },
)

const memberships = fc.record(
  { collection: text(), equal: fc.array(fc.tuple(text(), texts())), interval: intervals },
  { requiredKeys: ['collection', 'equal'], noNullPrototype: true },
)

const entries: fc.Arbitrary<Entry> = fc.record(
  {
    key: text().map((query) => cacheKey('public', { route: 'r', shape: '1', query })),
    route: text(),
    status: fc.constantFrom(200 as const, 404 as const),
    body: fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
    headers: fc
      .array(fc.tuple(fc.oneof(text(), fc.constant('__proto__')), text()), { maxLength: 4 })
      .map((pairs): Record<string, string> => Object.fromEntries(pairs)),
    stamp: fc.record({ epoch: text(), snapshot: snapshots }, { noNullPrototype: true }),
    etag: text(),
    dependencies: fc.record(
      { tags: texts(), memberships: fc.array(memberships, { maxLength: 3 }) },
      { noNullPrototype: true },
    ),
    validUntilMs: fc.integer({ min: 0 }),
    filledAtMs: fc.integer({ min: 0 }),
    fillMs: fc.double({ min: 0, max: 1e6, noNaN: true }).map(Math.abs),
    lifetime: fc.record(
      { freshSeconds: fc.nat(), staleSeconds: fc.nat() },
      { noNullPrototype: true },
    ),
  },
  {
    noNullPrototype: true,
    requiredKeys: [
      'key',
      'route',
      'status',
      'body',
      'headers',
      'stamp',
      'etag',
      'dependencies',
      'filledAtMs',
      'fillMs',
      'lifetime',
    ],
  },
)

/** Bytes with the right checksum around whatever header. */
function sealed(header: unknown, stamp = '100:100:', order = '100 0'): Buffer {
  const json = typeof header === 'string' ? header : JSON.stringify(header)
  const [headerBytes, stampBytes] = [Buffer.byteLength(json), Buffer.byteLength(stamp)]
  const rest = Buffer.from(`${order} ${stampBytes} ${headerBytes} 2\n${stamp}${json}{}`)
  return Buffer.concat([Buffer.from(`TGE1 ${crc32(rest).toString(16).padStart(8, '0')} `), rest])
}

const goodHeader = (key: CacheKey) => ({
  key,
  route: '/api/products',
  status: 200,
  headers: [],
  etag: 'W/"abc"',
  epoch: epochs.one,
  dependencies: { tags: [], memberships: [] },
  filledAtMs: 1,
  fillMs: 1,
  lifetime: { freshSeconds: 1, staleSeconds: 1 },
})

describe('an entry in Redis', () => {
  const key = newKey('q=ä\u{1F600}')

  it('is read as it was written', () => {
    fc.assert(
      fc.property(entries, (entry) => {
        expect(decodeEntry(entry.key, encodeEntry(entry))).to.deep.equal(entry)
      }),
    )
  })

  it('is a miss after any of its bytes became another', () => {
    const at = fc.record({ where: fc.nat(), flip: fc.integer({ min: 1, max: 255 }) })
    fc.assert(
      fc.property(entries, at, (entry, { where, flip }) => {
        const bytes = encodeEntry(entry)
        const index = where % bytes.length
        bytes.writeUInt8(bytes.readUInt8(index) ^ flip, index)
        expect(decodeEntry(entry.key, bytes)).to.equal(undefined)
      }),
      { numRuns: 1000 },
    )
  })

  it('is a miss when cut off at any place, and when something follows it', () => {
    const bytes = encodeEntry(entryOf(key))
    const cut = Array.from(bytes, (_, length) => decodeEntry(key, bytes.subarray(0, length)))
    const longer = decodeEntry(key, Buffer.concat([bytes, Buffer.from(' ')]))
    expect([...new Set(cut), longer]).to.deep.equal([undefined, undefined])
  })

  it('is a miss under the key of another', () => {
    const foreign = newKey()
    expect(decodeEntry(foreign, encodeEntry(entryOf(key)))).to.equal(undefined)
  })

  it('is a miss under a key that differs only in what UTF-8 cannot say', () => {
    const named = (query: string) => cacheKey('public', { route: 'r', shape: '1', query })
    const bytes = encodeEntry(entryOf(named('\ud800')))
    expect(decodeEntry(named('\ud801'), bytes)).to.equal(undefined)
    expect(decodeEntry(named('\ud800'), bytes)).not.to.equal(undefined)
  })

  it('keeps no buffer of the connection alive', () => {
    const bytes = Buffer.concat([encodeEntry(entryOf(key))])
    const body = decodeEntry(key, bytes)?.body ?? Buffer.from('')
    bytes.fill(0)
    expect(body.toString()).to.equal('{"data":[]}')
    expect(body.buffer.byteLength).to.equal(body.length)
  })

  it('survives a checker that computes the sum as it should be', () => {
    expect(decodeEntry(key, sealed(goodHeader(key)))?.body.toString()).to.equal('{}')
  })

  const poison: [string, Buffer][] = [
    ['nothing', Buffer.alloc(0)],
    ['half an object', Buffer.from('{"bad"')],
    ['text', Buffer.from('OK')],
    ['an older version', Buffer.from(sealed(goodHeader(key)).toString().replace('TGE1', 'TGE0'))],
    ['a newer version', Buffer.from(sealed(goodHeader(key)).toString().replace('TGE1', 'TGE2'))],
    ['a header that is no JSON', sealed('{"bad"')],
    ['a header that is null', sealed('null')],
    ['a header of a thousand levels', sealed('['.repeat(1000))],
    ['a prototype in the header', sealed(`{"__proto__":${JSON.stringify(goodHeader(key))}}`)],
    [
      'a prototype beside a good header',
      sealed(`{"__proto__":{"status":500},${JSON.stringify(goodHeader(key)).slice(1)}`),
    ],
    ['an unknown member', sealed({ ...goodHeader(key), secret: true })],
    ['another status', sealed({ ...goodHeader(key), status: 500 })],
    ['an instant that is none', sealed({ ...goodHeader(key), filledAtMs: null })],
    ['no lifetime', sealed({ ...goodHeader(key), lifetime: undefined })],
    ['a stamp that is none', sealed(goodHeader(key), 'now')],
    ['an order that its stamp does not have', sealed(goodHeader(key), '100:100:', '999 0')],
    ['fewer running than its stamp has', sealed(goodHeader(key), '99:100:99', '100 0')],
    ['lengths beyond its end', Buffer.from('TGE1 00000000 1 0 99999999 99999999 99999999\n')],
    ['a huge header', sealed({ ...goodHeader(key), route: 'x'.repeat(entryBytesMax) })],
  ]
  for (const [what, bytes] of poison) {
    it(`is a miss when it is ${what}`, () => {
      expect(decodeEntry(key, bytes)).to.equal(undefined)
      expect(Object.prototype).not.to.have.property('status')
    })
  }

  it('is a miss, whatever bytes are there', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (noise, hasMagic) => {
        const bytes = Buffer.concat([Buffer.from(hasMagic ? 'TGE1 ' : ''), noise])
        expect(decodeEntry(key, bytes)).to.equal(undefined)
      }),
    )
  })
})
