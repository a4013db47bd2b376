import fc from 'fast-check'
import { expect } from 'chai'
import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { eventually } from '../../platform/queue/fixture.ts'
import { openHarbour, type Harbour } from '../../support/harbour.ts'
import { openRaw, statusesIn } from '../../support/raw-socket.ts'

// H2 and H3: bodies that are too large, that are compressed, and that are no JSON. What single faults are answered is in
// test/api/bad-input.test.ts.

const bytesSent = 100_000_000
const piece = Buffer.alloc(100_000, 120)
setFlagsFromString('--expose-gc')
/** Bytes that somebody still needs. */
function heldBytes(): number {
  const collect: () => void = runInNewContext('gc')
  collect()
  // what the first one found is given back by the second
  collect()
  return process.memoryUsage().arrayBuffers
}

const head = (harbour: Harbour, ...headers: readonly string[]): string =>
  [
    'POST /api/v2/payment-links HTTP/1.1',
    'Host: a',
    'Content-Type: application/json',
    `Authorization: Bearer ${harbour.tenant.secretKey}`,
    ...headers,
    '',
    '',
  ].join('\r\n')

describe('an API that is sent bodies which nobody should send', () => {
  let harbour: Harbour
  let keys = 0
  before(async () => {
    harbour = await openHarbour()
  })
  after(() => harbour.business.lifecycle.stop())

  const post = (raw: string | Uint8Array, headers: Record<string, string> = {}) =>
    harbour.api.call('POST', '/api/v2/payment-links', {
      as: harbour.tenant.secretKey,
      raw,
      headers: { 'idempotency-key': `b${(keys += 1)}`, ...headers },
    })

  for (const [name, header, frame] of [
    ['said to be long', `Content-Length: ${bytesSent}`, (bytes: Buffer) => [bytes]],
    [
      'in chunks',
      'Transfer-Encoding: chunked',
      (bytes: Buffer) => [`${bytes.length.toString(16)}\r\n`, bytes, '\r\n'],
    ],
  ] as const) {
    it(`refuses 100 MB ${name} with 413, and holds none of it`, async () => {
      const raw = await openRaw(harbour.api.origin, head(harbour, header))
      const before = heldBytes()
      let highest = 0
      for (let sent = 0; sent < bytesSent && !raw.socket.destroyed; sent += piece.length) {
        const isTaken = frame(piece).map((part) => raw.socket.write(part))
        if (isTaken.includes(false)) {
          await Promise.race([once(raw.socket, 'drain'), raw.closed])
        }
        if (sent % 10_000_000 === 0) {
          highest = Math.max(highest, heldBytes() - before)
        }
      }
      await eventually(() => (raw.text().includes('body-too-large') ? true : undefined))
      raw.socket.destroy()
      expect(statusesIn(raw.text())).to.deep.equal([413])
      console.log(`      at most ${(highest / 1_048_576).toFixed(1)} MiB were held`)
      expect(highest).to.be.lessThan(10_485_760)
    })
  }

  it('does not unpack what is compressed', async () => {
    for (const coding of ['gzip', 'br', 'deflate', 'zstd', 'gzip, gzip', 'x-gzip']) {
      expect((await post('{}', { 'content-encoding': coding })).status, coding).to.equal(415)
    }
  })

  it('refuses deep nesting of every kind and length without a fault', async () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
      ['[{"a":', '}]'],
    ] as const) {
      for (const depth of [33, 1_000, 14_000]) {
        for (const text of [open.repeat(depth), open.repeat(depth) + close.repeat(depth)]) {
          const { status } = await post(text)
          expect(status, `${open} ${depth}`).to.be.oneOf([400, 413])
        }
      }
    }
    // a string that does not end, with a quote in every other place
    expect((await post(`"${String.raw`\"`.repeat(49_000)}`)).status).to.equal(400)
    expect((await post('['.repeat(99_999))).status).to.equal(400)
  })

  it('answers whatever stands in a body with 400, or takes it, and never fails', async () => {
    const dangerous = fc.constantFrom(
      '__proto__',
      'constructor',
      'currency',
      'amount',
      'items',
      'metadata',
      '\ud800',
      '\0',
    )
    const number = fc.constantFrom(
      '1e999',
      '-0',
      '9007199254740993',
      '1e-7',
      '0.1',
      '00',
      '1'.repeat(400),
    )
    const leaf = fc.oneof(
      fc.string({ unit: 'binary' }).map((one) => JSON.stringify(one)),
      dangerous.map((one) => JSON.stringify(one)),
      number,
      fc.constantFrom('null', 'true', '"\\ud800"', '"\\u0000"', 'NaN', '\ufeff1', '"GBP"', ''),
    )
    const { text } = fc.letrec<{ text: string }>((tie) => ({
      text: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        leaf,
        fc.array(tie('text'), { maxLength: 4 }).map((all) => `[${all.join()}]`),
        fc
          .array(fc.tuple(dangerous, tie('text')), { maxLength: 4 })
          .map((all) => `{${all.map(([name, one]) => `${JSON.stringify(name)}:${one}`).join()}}`),
      ),
    }))
    const bytes = fc.uint8Array({ maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(fc.oneof(text, bytes), async (body) => {
        const { status } = await post(body)
        expect(status).to.be.oneOf([201, 400])
      }),
      { numRuns: 150, seed: 5 },
    )
  })
})
