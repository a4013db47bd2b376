import { expect } from 'chai'
import { createHttpClient, httpLimits, type HttpClient } from '#platform/http/http-client'
import { HttpFailure } from '#platform/http/http-failure'
import { isPublicAddress, type ResolveHost } from '#platform/http/public-address'
import { clockAt, eager, json, startPublisher, type Publisher } from '../../fx/world.ts'

const request = { mediaTypes: ['application/json'], bodyBytesMax: 1_000 }

async function failureOf(work: Promise<unknown>): Promise<HttpFailure> {
  const error = await work.catch((reason: unknown) => reason)
  if (error instanceof HttpFailure) {
    return error
  }
  throw new Error('it did not fail', { cause: error })
}

describe('http client: addresses', () => {
  it('knows the public ones', () => {
    for (const address of ['1.1.1.1', '93.184.216.34', '2606:4700:4700::1111', '2a00:1450::1']) {
      expect(isPublicAddress(address), address).to.equal(true)
    }
  })

  it('refuses every range that leads inside, in every disguise', () => {
    for (const address of [
      '0.0.0.0',
      '10.0.0.1',
      '100.64.0.1',
      '127.0.0.1',
      '169.254.169.254',
      '172.16.0.1',
      '172.31.255.255',
      '192.0.0.1',
      '192.168.1.1',
      '198.18.0.1',
      '224.0.0.1',
      '255.255.255.255',
      '::',
      '::1',
      '::ffff:10.0.0.1',
      '::ffff:8.8.8.8',
      '::ffff:a9fe:a9fe',
      '64:ff9b::a00:1',
      '2002:a00:1::',
      '2001::1',
      '2001:db8::1',
      'fc00::1',
      'fe80::1',
      'fec0::1',
      'ff02::1',
      'localhost',
      '',
    ]) {
      expect(isPublicAddress(address), address).to.equal(false)
    }
  })
})

describe('http client: where it may go', () => {
  let publisher: Publisher
  before(async () => {
    publisher = await startPublisher()
    publisher.answer = json('{}')
  })
  beforeEach(() => void (publisher.calls = 0))
  after(() => publisher.close())

  const client = (hosts: string[], resolve?: ResolveHost, allowsLoopback = false): HttpClient => {
    const parts = {
      clock: clockAt('2026-01-01T00:00:00Z'),
      random: eager,
      ...(resolve && { resolve }),
    }
    return createHttpClient(
      { limits: { ...httpLimits, connectTimeoutMs: 300 }, hosts, allowsLoopback },
      parts,
    )
  }
  const hostOf = (url: string): string => URL.parse(url)?.host ?? ''

  for (const url of [
    'http://127.0.0.1:1/',
    'https://127.0.0.1:1/',
    'https://2130706433:1/',
    'https://0x7f.1:1/',
    'https://017700000001:1/',
    'https://[::1]:1/',
    'https://[::ffff:127.0.0.1]:1/',
    'https://169.254.169.254/latest',
    'https://localhost.:1/',
    'https://user:password@example.com/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'nonsense',
  ]) {
    it(`refuses ${url} without a call, though it is configured`, async () => {
      const resolve: ResolveHost = async () => ['127.0.0.1']
      const failure = await failureOf(client([hostOf(url)], resolve).get({ ...request, url }))
      expect(failure).to.include({ reason: 'address', httpCalls: 0 })
    })
  }

  it('refuses a host that is not configured', async () => {
    const failure = await failureOf(
      client(['a.example']).get({ ...request, url: 'https://b.example/' }),
    )
    expect(failure).to.include({ reason: 'address', httpCalls: 0 })
  })

  it('refuses a name of which one address is private', async () => {
    const resolve: ResolveHost = async () => ['93.184.216.34', '10.0.0.1']
    const failure = await failureOf(
      client(['a.example'], resolve).get({ ...request, url: 'https://a.example/' }),
    )
    expect(failure).to.include({ reason: 'address', httpCalls: 0 })
  })

  it('asks the name server once per connection, so that a changed answer gains nothing', async () => {
    let asked = 0
    const resolve: ResolveHost = async () => {
      asked += 1
      return [asked === 1 ? '192.0.2.1' : '127.0.0.1']
    }
    const failure = await failureOf(
      client(['a.example'], resolve).get({ ...request, url: 'https://a.example/' }),
    )
    expect(failure.reason).to.equal('address')
    expect(asked).to.equal(1)
  })

  it('counts an unknown host as a connection that failed', async () => {
    const resolve: ResolveHost = () =>
      Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }))
    const failure = await failureOf(
      client(['a.example'], resolve).get({ ...request, url: 'https://a.example/' }),
    )
    expect(failure).to.include({ reason: 'connection', message: 'a.example: ENOTFOUND' })
  })

  it('reaches this machine only where that is allowed, and never by a public name over http', async () => {
    const url = `${publisher.origin}/`
    const { text } = await client([publisher.host], undefined, true).get({ ...request, url })
    expect(text).to.equal('{}')
    const other = await failureOf(
      client(['a.example'], undefined, true).get({ ...request, url: 'http://a.example/' }),
    )
    expect(other.reason).to.equal('address')
  })

  it('waits for a short Retry-After and tries again', async () => {
    publisher.answer = (incoming, response) => {
      const isFirst = publisher.calls === 1
      return isFirst
        ? void response.writeHead(429, { 'retry-after': '0' }).end()
        : json('{}')(incoming, response)
    }
    const answer = await client([publisher.host], undefined, true).get({
      ...request,
      url: publisher.origin,
    })
    expect(answer.httpCalls).to.equal(2)
  })

  it('shows the guard what a breaker should count: server errors, not refusals', async () => {
    const outcomes: string[] = []
    const guard = async <T>(work: () => Promise<T>): Promise<T> => {
      try {
        const result = await work()
        outcomes.push('success')
        return result
      } catch (error) {
        outcomes.push('failure')
        throw error
      }
    }
    const get = { ...request, url: publisher.origin, guard }
    publisher.answer = json('{}', 404)
    await failureOf(client([publisher.host], undefined, true).get(get))
    expect(outcomes).to.deep.equal(['success'])
    publisher.answer = json('{}', 503)
    await failureOf(client([publisher.host], undefined, true).get(get))
    expect(outcomes).to.deep.equal(['success', 'failure', 'failure', 'failure'])
  })

  it('stops at once when its caller leaves', async () => {
    publisher.answer = () => {}
    const leaving = AbortSignal.timeout(30)
    const startedMs = performance.now()
    const get = { ...request, url: publisher.origin, signal: leaving }
    const failure = await failureOf(client([publisher.host], undefined, true).get(get))
    expect(failure.reason).to.equal('timeout')
    expect(performance.now() - startedMs).to.be.below(3_000)
  })
})
