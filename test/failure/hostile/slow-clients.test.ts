import { expect } from 'chai'
import { eventually } from '../../platform/queue/fixture.ts'
import { openHarbour, type Harbour } from '../../support/harbour.ts'
import { openRaw, statusesIn, type RawSocket } from '../../support/raw-socket.ts'

// H1: slow headers, slow bodies and slow readers on many sockets at once. The limits are those of listen.ts, made small.

const limits = {
  headersTimeout: 400,
  requestTimeout: 800,
  connectionsCheckingInterval: 50,
  answerGraceMs: 400,
  answerBytesPerSecondMin: 200_000,
}
const attackers = 150
/** Answers that one slow reader asks for, of about 100 kB each: more than the kernel buffers. */
const asked = 120

describe('an API whose clients are slow on purpose', () => {
  let business: Harbour['business']
  let tenant: Harbour['tenant']
  let api: Harbour['api']
  before(async () => {
    ;({ business, tenant, api } = await openHarbour(
      { clientLimits: limits, cache: { tiers: 'memory' } },
      100,
    ))
  })
  after(() => business.lifecycle.stop())

  const path = '/api/v2/payment-links?limit=100'
  const authorization = () => `Authorization: Bearer ${tenant.secretKey}`
  const openAll = (bytes: string) =>
    Promise.all(Array.from({ length: attackers }, () => openRaw(api.origin, bytes)))

  /** What a normal client gets until the attack is over. */
  async function statusesUntil(over: Promise<unknown>): Promise<readonly number[]> {
    const statuses: number[] = []
    const progress = { isOver: false }
    void over.then(() => (progress.isOver = true))
    while (!progress.isOver) {
      const { status } = await api.call('GET', '/api/v2/me', { as: tenant.secretKey })
      statuses.push(status)
    }
    return statuses
  }

  /** All were cut, everybody else was served, and nothing stays open. */
  async function expectOver(sockets: readonly RawSocket[]): Promise<void> {
    const statuses = await statusesUntil(Promise.all(sockets.map(({ closed }) => closed)))
    expect(statuses).not.to.have.length(0)
    expect(new Set(statuses)).to.deep.equal(new Set([200]))
    await expectPlateau()
  }

  /** The normal client's own connection may stay. */
  const expectPlateau = () =>
    eventually(async () => ((await api.openSockets()) <= 2 ? true : undefined))

  for (const [what, head] of [
    ['headers that never end', 'GET /api/v2/me HTTP/1.1\r\nHost: a\r\n'],
    ['nothing at all', ''],
    [
      'a body that never ends',
      'POST /api/v2/payment-links HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{',
    ],
    [
      'a chunked body that never ends',
      'POST /api/v2/payment-links HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n',
    ],
  ] as const) {
    it(`tells senders of ${what} 408 and hangs up, and serves the others meanwhile`, async () => {
      const sockets = await openAll(head)
      await expectOver(sockets)
      for (const { text } of sockets) {
        expect(statusesIn(text())).to.deep.equal([408])
      }
    })
  }

  it('hangs up on those who send a header now and then', async () => {
    const sockets = await openAll('GET /api/v2/me HTTP/1.1\r\nHost: a\r\n')
    const dripping = setInterval(
      () => sockets.forEach(({ socket }) => socket.write('X: 1\r\n')),
      20,
    )
    await expectOver(sockets).finally(() => clearInterval(dripping))
  })

  const pipelined = () =>
    `GET ${path} HTTP/1.1\r\nHost: a\r\n${authorization()}\r\n\r\n`.repeat(asked)

  it('hangs up on those who ask much and read nothing', async () => {
    const readers = await Promise.all(Array.from({ length: 20 }, () => openRaw(api.origin, '')))
    for (const { socket } of readers) {
      socket.pause()
      socket.write(pipelined())
    }
    // a paused socket does not learn that it was closed; the server's count tells
    const over = expectPlateau()
    expect(new Set(await statusesUntil(over))).to.deep.equal(new Set([200]))
    await over
    readers.forEach(({ socket }) => socket.destroy())
  })

  /** Reads at most 64 KiB, and then nothing for a while. */
  async function readWithPauses(pauseMs: number): Promise<RawSocket> {
    const reader = await openRaw(api.origin)
    reader.socket.on('data', () => {
      reader.socket.pause()
      setTimeout(() => reader.socket.resume(), pauseMs)
    })
    const last = pipelined().replace(/\r\n\r\n$/, '\r\nConnection: close\r\n\r\n')
    reader.socket.write(last)
    return reader
  }

  it('hangs up on who reads a little at a time', async () => {
    const reader = await readWithPauses(500)
    await expectPlateau()
    reader.socket.destroy()
    expect(statusesIn(reader.text()).length).to.be.lessThan(asked)
  })

  it('answers to the end who reads slowly but reads', async () => {
    const reader = await readWithPauses(5)
    await reader.closed
    expect(statusesIn(reader.text())).to.deep.equal(Array(asked).fill(200))
  })
})
