import { once } from 'node:events'
import { connect } from 'node:net'
import { expect } from 'chai'
import { issueAdminToken, revokeAdminToken } from '#members'
import { createHealth } from '#platform/health/health'
import { headersOf, startAdmin } from '../support/admin.ts'
import { openBusiness, type Business } from '../support/business.ts'

type Event = { readonly id: number; readonly data: any }

describe('live figures, as server-sent events', () => {
  let business: Business
  let origin: string
  let token: string
  let health: ReturnType<typeof createHealth>

  before(async () => {
    business = await openBusiness()
    health = createHealth({ version: '1', checks: [] }, business)
    origin = await startAdmin(business, { health, cachePatienceMs: 50 })
    const issued = await issueAdminToken(business, { name: 'Ada', role: 'viewer' })
    token = issued.text
  })
  after(() => business.lifecycle.stop())

  const path = '/trpc/live.figures'
  const open = (stop: AbortController, lastId?: number, as = token) =>
    fetch(`${origin}${path}`, {
      headers: {
        ...headersOf(as),
        accept: 'text/event-stream',
        ...(lastId !== undefined && { 'last-event-id': String(lastId) }),
      },
      signal: stop.signal,
    })

  /** The first messages of a stream, which is then ended. */
  async function read(count: number, lastId?: number): Promise<readonly Event[]> {
    const stop = new AbortController()
    const answer = await open(stop, lastId)
    expect(answer.status).to.equal(200)
    expect(answer.headers.get('content-type')).to.include('text/event-stream')
    const events: Event[] = []
    for await (const event of eventsOf(answer)) {
      events.push(event)
      if (events.length >= count) {
        break
      }
    }
    stop.abort()
    return events
  }

  async function* eventsOf(answer: Response): AsyncGenerator<Event> {
    let rest = ''
    for await (const part of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const blocks = (rest + part).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const id = /^id: ?(\d+)$/m.exec(block)?.[1]
        const data = /^data: ?(.*)$/m.exec(block)?.[1]
        if (id !== undefined && data !== undefined) {
          yield { id: Number(id), data: JSON.parse(data) }
        }
      }
    }
  }

  it('bring one message with the key figures each second', async () => {
    const [first, second, third] = await read(3)
    expect(first?.data).to.have.all.keys('at', 'health', 'cache', 'queues')
    expect(first?.data.health).to.deep.include({ status: 'healthy' })
    expect(first?.data.cache).to.include({ known: 0, answered: 0, entries: 0 })
    expect(first?.data.queues).to.deep.equal([])
    const times = [first, second, third].map((event) => Date.parse(event?.data.at))
    for (const [before, after] of [times.slice(0, 2), times.slice(1)]) {
      expect((after ?? 0) - (before ?? 0)).to.be.at.least(990)
    }
    expect(second?.id).to.be.above(first?.id ?? Infinity)
  })

  it('go on where a connection was cut: nothing twice, nothing missing', async () => {
    const others = new AbortController()
    const watching = await open(others)
    const seen: number[] = []
    const all = (async () => {
      for await (const { id } of eventsOf(watching)) {
        seen.push(id)
      }
    })().catch(() => undefined)
    const [first] = await read(1)
    while (seen.filter((id) => id > (first?.id ?? 0)).length < 2) {
      await once(AbortSignal.timeout(50), 'abort')
    }
    const rest = await read(3, first?.id)
    others.abort()
    await all
    const missed = seen.filter((id) => id > (first?.id ?? 0))
    expect(rest.map(({ id }) => id).slice(0, missed.length)).to.deep.equal(missed.slice(0, 3))
  })

  it('are taken once for all who follow', async () => {
    const [one, other] = await Promise.all([read(2), read(2)])
    expect(one.at(-1)).to.deep.equal(other.at(-1))
  })

  it('end when the token does', async () => {
    const short = await issueAdminToken(business, { name: 'Short', role: 'viewer' })
    const answer = await open(new AbortController(), undefined, short.text)
    const events = eventsOf(answer)
    await events.next()
    await revokeAdminToken(business, { tokenId: short.id })
    let more = 0
    for await (const event of events) {
      more += event.id > 0 ? 1 : 0
    }
    expect(more).to.be.below(3)
  })

  it('are refused without a token, with one of no use, and with an id that is none', async () => {
    const stop = new AbortController()
    const bare = await fetch(`${origin}${path}`, { headers: { accept: 'text/event-stream' } })
    expect(bare.status).to.equal(401)
    expect(await bare.text()).to.include('UNAUTHORIZED')
    const wrong = await open(stop, undefined, 'tg_at_none')
    expect(wrong.status).to.equal(401)
    const input = encodeURIComponent('{"lastEventId":"drop table"}')
    const odd = await fetch(`${origin}${path}?input=${input}`, {
      headers: { ...headersOf(token), accept: 'text/event-stream' },
    })
    expect(await odd.text()).to.include('BAD_REQUEST')
  })

  it('keep nothing for clients that never read, and serve the others meanwhile', async () => {
    const { port } = new URL(origin)
    const request = `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nAccept: text/event-stream\r\n\r\n`
    const sockets = await Promise.all(
      Array.from({ length: 60 }, async () => {
        const socket = connect(Number(port), '127.0.0.1')
        await once(socket, 'connect')
        socket.pause()
        socket.write(request)
        return socket
      }),
    )
    const heapBefore = process.memoryUsage().heapUsed
    expect(await read(3)).to.have.length(3)
    expect(process.memoryUsage().heapUsed - heapBefore).to.be.below(64 * 1024 * 1024)
    sockets.forEach((socket) => socket.destroy())
    expect(await read(1)).to.have.length(1)
  })

  it('are for a hundred at most, and a place is free again when somebody leaves', async () => {
    const stops = Array.from({ length: 110 }, () => new AbortController())
    const outcomes = await Promise.all(
      stops.map(async (stop) => (await eventsOf(await open(stop)).next()).value !== undefined),
    )
    expect(outcomes.filter((isServed) => isServed).length).to.be.within(1, 100)
    stops.forEach((stop) => stop.abort())
    const deadline = performance.now() + 5_000
    for (;;) {
      const stop = new AbortController()
      const first = await eventsOf(await open(stop)).next()
      stop.abort()
      if (first.value !== undefined) {
        break
      }
      expect(performance.now()).to.be.below(deadline)
    }
  })

  it('end when the process stops taking requests', async () => {
    const answer = await open(new AbortController())
    const events = eventsOf(answer)
    await events.next()
    health.enter('draining')
    let more = 0
    for await (const event of events) {
      more += event.id > 0 ? 1 : 0
    }
    expect(more).to.be.below(3)
  })
})
