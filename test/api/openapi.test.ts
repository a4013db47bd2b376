import { readFileSync, writeFileSync } from 'node:fs'
import { noDurations } from '#platform/telemetry/durations'
import { Validator } from '@seriousme/openapi-schema-validator'
import { expect } from 'chai'
import type { RequestHandler } from 'express'
import { createHealth } from '#platform/health/health'
import { healthHandler } from '#platform/health/health-handler'
import { databaseCheck } from '#platform/health/platform-checks'
import { createApi } from '../../api/app.ts'
import { readExamples, type Examples } from '../../api/openapi/examples.ts'
import { startApi, type Api } from '../support/api.ts'
import { addTenant, ecbRates, openBusiness, publishRates } from '../support/business.ts'
import { addProducts } from '../support/catalogue.ts'
import { createTestClock } from '../support/clock.ts'
import { addContents } from '../support/contents.ts'
import { createContract } from '../support/contract.ts'
import { documentedAt, documentOf } from '../support/document.ts'
import { addPostings } from '../support/ledger.ts'
import { addLinks } from '../support/links.ts'
import { addActiveMembers } from '../support/members.ts'
import { recordExamples } from '../support/record-examples.ts'
import { createSeededRandom } from '../support/seeded-random.ts'
import { tidyExamples } from '../support/tidy-examples.ts'

// The document is made from the declarations; that answers are as it says is checked wherever a spec calls the API.
// After a change of either: UPDATE=1 npm test -- openapi

const goldenPath = 'docs/openapi.json'
const examplesPath = 'api/openapi/examples.json'
const passOn: RequestHandler = (_request, _response, next) => next()
const hint = 'run: UPDATE=1 npm test -- openapi'
const isUpdate = process.env['UPDATE'] === '1'
const pretty = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`

describe('the OpenAPI document', () => {
  let api: Api
  let stop: () => Promise<void>
  let examples: Examples
  let document: any

  before(async () => {
    const startedAt = new Date()
    const opened = await openBusiness({ fx: { providers: ['ecb'] }, clock: createTestClock() })
    const business = { ...opened, random: createSeededRandom() }
    stop = () => business.lifecycle.stop()
    const tenant = await addTenant(business, 'harbour')
    await publishRates(business, ecbRates, business.clock.now())
    const links = await addLinks(business, tenant, 6)
    const { productIds } = await addProducts(business, tenant, 3)
    const memberId = await addActiveMembers(business, tenant, 3)
    const { contentIds } = await addContents(business, tenant, { count: 3, memberId, productIds })
    await addPostings(business, tenant, { linkId: links[0] ?? '', count: 2 })
    const check = databaseCheck({ ping: async () => undefined })
    const pool = business.db.statistics()
    const transitions = { CLOSED: 0, OPEN: 0, HALF_OPEN: 0 }
    const breaker = { state: 'CLOSED', failures: 0, nextAttemptAt: undefined, transitions } as const
    const waits = { durations: noDurations(), failedCount: () => 0 }
    const inside = { database: () => ({ pool, waits, breaker }) }
    const health = createHealth({ version: '0.1.0', checks: [check], inside }, business)
    health.enter('ready')
    api = await startApi(business, {
      health: healthHandler(health, { isOperator: () => true }),
      limits: {},
    })
    const drafts = links.filter((_, index) => index % 2 === 1)
    const recorded = await recordExamples({ api, tenant, drafts, contentIds, memberId })
    examples = tidyExamples(recorded, { origin: api.origin, startedAt })
    if (isUpdate) {
      writeFileSync(examplesPath, pretty(examples))
      writeFileSync(goldenPath, pretty(documentOf(true, examples)))
    }
    document = isUpdate ? documentOf(true, examples) : documentOf()
  })
  after(() => stop())

  it('is valid', async () => {
    expect(await new Validator().validate(structuredClone(document))).to.deep.equal({ valid: true })
  })

  it('is the one that was reviewed', () => {
    expect(readFileSync(goldenPath, 'utf8') === pretty(document), hint).to.equal(true)
  })

  it('describes every route that is mounted, and no other', () => {
    const options = {
      trustProxy: 0,
      corsOrigins: [],
      bodyBytesMax: 1,
      readDeadlineMs: 1,
      writeDeadlineMs: 1,
      isCursorPaginationEnabled: true,
      isTestErrorEnabled: false,
    }
    const app: any = createApi(api.slice, options, passOn, passOn)
    const mounted = app.router.stack
      .flatMap(({ route }: any) => (route === undefined ? [] : [route]))
      // what answers 405 and OPTIONS takes every method
      .filter(({ methods }: any) => methods.trace !== true)
      .flatMap(({ path, methods }: any) =>
        [path]
          .flat()
          .flatMap((one: string) => Object.keys(methods).map((verb) => `${verb} ${one}`)),
      )
      .map((one: string) => one.replaceAll(/:(\w+)/g, '{$1}'))
    const described = Object.entries<object>(document.paths)
      .flatMap(([path, operations]) => Object.keys(operations).map((verb) => `${verb} ${path}`))
      // answered before any route, by a handler that other processes share
      .filter((one) => !/^get (\/api)?\/(health|metrics|cache\/stats)\b/.test(one))
    expect(mounted).to.have.length.above(40)
    expect(described).to.have.members(mounted)
  })

  it('shows an answer of every operation that answers with JSON, each as its schema says', () => {
    const contract = createContract(document)
    const committed = isUpdate ? examples : readExamples()
    const missing: string[] = []
    for (const [path, operations] of Object.entries<any>(document.paths)) {
      for (const [verb, { operationId, responses }] of Object.entries<any>(operations)) {
        const status = responses[200] ? 200 : 201
        const { schema } = responses[status]?.content?.['application/json'] ?? {}
        const body = committed.operations[operationId]?.responses[String(status) as '200']
        if (schema !== undefined && !path.endsWith('openapi.json')) {
          missing.push(...(body === undefined ? [operationId] : []))
          contract.checkBody({ path, verb, status }, body)
        }
      }
    }
    expect(missing, hint).to.deep.equal([])
  })

  it('shows examples of the same shape as what is answered now', () => {
    const names = (of: object): string[] => Object.keys(of).toSorted()
    const committed = isUpdate ? examples : readExamples()
    expect(names(committed.operations), hint).to.deep.equal(names(examples.operations))
    expect(names(committed.problems), hint).to.deep.equal(names(examples.problems))
  })

  describe('as a contract', () => {
    const received = (more: object = {}, headers: Record<string, string> = {}) => ({
      method: 'GET',
      path: '/api/v2/me',
      origin: documentedAt,
      status: 200,
      headers: new Headers({
        'content-type': 'application/json; charset=utf-8',
        'request-id': 'req_1',
        'cache-control': 'private, no-cache',
        etag: 'W/"1"',
        ...headers,
      }),
      text: JSON.stringify(examples.operations['getMe']?.responses['200']),
      ...more,
    })
    const check = (answer: ReturnType<typeof received>) => () => createContract().check(answer)

    it('takes what is described', () => {
      expect(check(received())).not.to.throw()
    })

    it('refuses a status, a header, a media type or a property that is not', () => {
      const { data }: any = examples.operations['getMe']?.responses['200'] ?? {}
      const body = (change: object) => ({ text: JSON.stringify({ data: { ...data, ...change } }) })
      expect(check(received({ status: 418 }))).to.throw('getMe is not described to answer 418')
      expect(check(received({}, { 'x-total': '1', total: '1' }))).to.throw('headers: total')
      expect(check(received({}, { 'content-type': 'text/html' }))).to.throw('media type is text')
      expect(check(received(body({ colour: 'red' })))).to.throw('additional properties')
      expect(check(received(body({ key: undefined })))).to.throw("required property 'key'")
      expect(check(received({ path: '/api/v2/you' }))).to.throw('no operation has this')
    })
  })

  describe('where it is served', () => {
    const addresses = ['/openapi.json', '/api/openapi.json']

    it('is public, the same at both addresses, and known again by its ETag', async () => {
      const [one, other] = await Promise.all(addresses.map((path) => api.call('GET', path)))
      expect(one?.text).to.equal(other?.text)
      expect(one?.json.servers).to.deep.equal([{ url: api.origin }])
      const headers = { 'if-none-match': one?.headers.get('etag') ?? '' }
      const again = await api.call('GET', '/openapi.json', { headers })
      expect([again.status, again.headers.get('cache-control')]).to.deep.equal([304, 'no-cache'])
    })

    it('is named by the answers of the API', async () => {
      const { headers } = await api.call('GET', '/api/v2/me')
      expect(headers.get('link')).to.equal('</openapi.json>; rel="service-desc"')
    })

    it('is a page that loads nothing from elsewhere and runs no script of its own text', async () => {
      const { headers, text } = await api.call('GET', '/docs')
      const policy = headers.get('content-security-policy') ?? ''
      expect(policy).to.include("default-src 'none'").and.include("script-src 'self';")
      expect(policy).not.to.match(/https?:|script-src[^;]*unsafe/)
      expect(text).not.to.match(/https?:|<script>|<style/)
      const files = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file ?? '')
      expect(files).to.have.length(4)
      for (const file of files) {
        const answer = await api.call('GET', `/${file}`)
        expect([answer.status, answer.text === ''], file).to.deep.equal([200, false])
        expect(file.endsWith('.css') && /url\(["']?https?:|@import/.test(answer.text)).to.equal(
          false,
        )
      }
      const { text: start } = await api.call('GET', '/docs/start.js')
      expect(start)
        .to.include('validatorUrl: null')
        .and.not.match(/https?:/)
      const foreign = await api.call('GET', '/docs/package.json')
      expect(foreign.status).to.equal(404)
    })
  })
})
