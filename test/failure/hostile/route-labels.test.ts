import fc from 'fast-check'
import { expect } from 'chai'
import { pino } from 'pino'
import { documentOf } from '../../support/document.ts'
import { openHarbour, type Harbour } from '../../support/harbour.ts'
import { exchangeRaw } from '../../support/raw-socket.ts'

// O4 and H14: whatever paths are asked for, what is counted, traced and logged by is the template of a route.

/** The templates that there are: `{id}` is `:id` to the router. */
const templates = new Set([
  '(unmatched)',
  '/problems/:domain/:name',
  ...Object.keys(documentOf().paths ?? {}).map((one) => one.replaceAll(/\{(\w+)\}/g, ':$1')),
])

describe('an API that is asked for random paths', () => {
  let harbour: Harbour
  const lines: Readonly<Record<string, unknown>>[] = []
  before(async () => {
    const write = (line: string): void => void lines.push(JSON.parse(line))
    harbour = await openHarbour({ log: pino({ level: 'debug' }, { write }) })
  })
  after(() => harbour.business.lifecycle.stop())

  it('names all of them by the templates of its routes', async () => {
    const segment = fc.oneof(
      fc.constantFrom('api', 'v2', 'v1', 'payment-links', 'products', 'search', 'items', 'health'),
      fc.uuid(),
      fc.webSegment(),
      fc.constantFrom('..', '.', '%2e', '%00', ':id', '{id}', '(unmatched)', 'docs', 'problems'),
    )
    const path = fc.oneof(
      fc.array(segment, { maxLength: 6 }).map((all) => `/${all.join('/')}`),
      fc.tuple(segment, segment).map((all) => `/api/v2/${all.join('/')}`),
    )
    const method = fc.constantFrom('GET', 'POST', 'DELETE', 'PATCH', 'PUT', 'PROPFIND', 'QUERY')
    const asked = fc.sample(fc.tuple(method, path), { numRuns: 1_000, seed: 11 })
    for (let first = 0; first < asked.length; first += 50) {
      const some = asked.slice(first, first + 50).map(([verb, one]) => {
        const head = `${verb} ${one} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close`
        return exchangeRaw(harbour.api.origin, `${head}\r\n\r\n`)
      })
      await Promise.all(some)
    }
    const answered = lines.filter(({ msg }) => msg === 'request answered')
    expect(answered.length).to.be.greaterThan(900)
    const routes = new Set(answered.map(({ route }) => String(route)))
    expect([...routes].filter((route) => !templates.has(route))).to.deep.equal([])
    expect(routes).to.include('(unmatched)')
    expect(routes.size).to.be.greaterThan(2)
  })
})
