import { expect } from 'chai'
import { pino } from 'pino'
import { systemClock } from '#platform/clock'
import { createHealth } from '#platform/health/health'
import { healthHandler } from '#platform/health/health-handler'
import { documentOf } from '../../support/document.ts'
import { openHarbour, type Harbour } from '../../support/harbour.ts'
import { exchangeRaw, statusesIn } from '../../support/raw-socket.ts'

// H12: spellings of a path by which some gates are passed. Every operation of the OpenAPI document that asks for a credential
// is tried, so a new route is covered without a line here; the paths are sent as they are written.

type Operation = { readonly security?: readonly object[] }
const document: any = documentOf()
const guarded = Object.entries<Record<string, Operation>>(document.paths).flatMap(
  ([template, operations]) =>
    Object.entries(operations)
      .filter(([verb]) => /^(get|post|patch|delete|put)$/.test(verb))
      .filter(([, { security = document.security ?? [] }]) => security.length > 0)
      .map(([verb]) => ({
        method: verb.toUpperCase(),
        path: template.replaceAll(/\{\w+\}/g, '01900000-0000-7000-8000-000000000000'),
      })),
)

/** Spellings that mean the path, or that some gate takes for a public one. */
const spellings = (path: string): readonly string[] => [
  path,
  `${path}?x=/api/health`,
  `${path}?/api/health/live`,
  `${path}#/api/health`,
  `${path}/`,
  `${path}//`,
  `${path}/.`,
  `${path}/..;/health`,
  `${path};/api/health`,
  `${path};x=1`,
  `${path}%3f`,
  `${path}%23`,
  `${path}%00`,
  `${path}%20`,
  `${path}%2f`,
  `${path}%2e`,
  `${path}.json`,
  `${path}/x.css`,
  `/${path}`,
  `//${path}`,
  `/api/health/..${path}`,
  `/api/health/../..${path}`,
  `/api/health/%2e%2e/%2e%2e${path}`,
  `/api/health/..%2f..${path}`,
  `/api/health;${path}`,
  `/problems/../${path}`,
  `/docs/..${path}`,
  `/.${path}`,
  `/%2e${path}`,
  `\\${path}`,
  path.replace('/api/', '/API/'),
  path.replace('/api/', '/Api/'),
  path.replace('/api/', '/api//'),
  path.replace('/api/', '/api/./'),
  path.replace('/api/', '/api/%2e/'),
  path.replace('/api/', '/api\\'),
  path.replace('/api/', '/api%2f'),
  path.replace('/api/', '/%61pi/'),
  path.replace('/api/', '/ap%69/'),
  `http://a${path}`,
  `http://a/api/health${path}`,
  `http://user:pass@a${path}`,
]

describe('an API that is asked without a credential, by every spelling of every path', () => {
  let harbour: Harbour
  const faults: string[] = []
  before(async () => {
    const log = pino({ level: 'error' }, { write: (line: string) => void faults.push(line) })
    const health = createHealth({ version: 'test', checks: [] }, { clock: systemClock })
    health.enter('ready')
    harbour = await openHarbour({ log, health: healthHandler(health) })
  })
  after(() => harbour.business.lifecycle.stop())

  const credentials: readonly string[] = [
    '',
    'Authorization: \r\n',
    'Authorization: Bearer\r\n',
    'Authorization: Bearer null\r\n',
    'Authorization: Basic YTph\r\n',
    'Cookie: authorization=Bearer x\r\n',
    'X-Original-URL: /api/health\r\nX-Rewrite-URL: /api/health\r\n',
    'X-HTTP-Method-Override: OPTIONS\r\n',
    'X-Forwarded-For: 127.0.0.1\r\n',
  ]
  const ask = (method: string, path: string, more: string): string =>
    `${method} ${path} HTTP/1.1\r\nHost: a\r\n${more}Content-Length: 0\r\nConnection: close\r\n\r\n`

  it('knows of every route', () => {
    expect(guarded.length).to.be.greaterThan(35)
    expect(guarded.map(({ path }) => path)).to.include('/api/v2/me')
  })

  for (const { method, path } of guarded) {
    it(`${method} ${path.slice(0, 60)}: 401 or 404 by all of them`, async () => {
      const plain = credentials.map((more) => ask(method, path, more))
      const spelt = spellings(path).map((one) => ask(method, one, ''))
      const head = method === 'GET' ? [ask('HEAD', path, '')] : []
      await Promise.all(
        [...plain, ...spelt, ...head].map(async (bytes) => {
          const answer = await exchangeRaw(harbour.api.origin, bytes)
          const [status, ...more] = statusesIn(answer)
          expect(more).to.deep.equal([])
          expect(status, bytes.slice(0, 120)).to.be.oneOf([400, 401, 404, 405])
          expect(answer).not.to.include(harbour.tenant.organisationId)
        }),
      )
      for (const bytes of plain) {
        expect(statusesIn(await exchangeRaw(harbour.api.origin, bytes)), bytes).to.deep.equal([401])
      }
      expect(faults).to.deep.equal([])
    })
  }
})
