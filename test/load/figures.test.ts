import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { browse, type Catalogue } from './browsing.ts'
import { profiles, scale, secondsOf, usersAt } from './profiles.ts'
import { openProgress } from './progress.ts'
import { compare, parseResult, type ResultFile } from './report.ts'
import { scenarios } from './scenarios.ts'
import { popular, type Answer } from './session.ts'
import { Tally } from './tally.ts'
import { judge, type Figures } from './thresholds.ts'
import { createDice } from '../bench/consistency/dice.ts'

const ok: Answer = { status: 200, header: () => undefined, body: '' }

const figures: Figures = {
  users: 100,
  seconds: 60,
  requests: 1000,
  requestsPerSecond: 400,
  averageMs: 20,
  p50Ms: 10,
  p95Ms: 40,
  p99Ms: 80,
  maxMs: 200,
  errorRatio: 0,
  serverErrors: 0,
  errors: {},
  hitRatio: 0.9,
  toolDelayMs: 1,
  missing: { memoryBytes: 'on another machine', statementsPerRequest: 'no pg_stat_statements' },
}

const answerWith = (status: number, headers: Readonly<Record<string, string>>): Answer => ({
  status,
  header: (name) => headers[name],
  body: '',
})

describe('the figures of a load test', () => {
  it('are the percentiles of what was recorded', () => {
    const tally = new Tally()
    for (let ms = 1; ms <= 1000; ms += 1) {
      tally.add(ok, ms, ms > 990 ? ['error'] : [])
    }
    const { averageMs, p50Ms, p95Ms, p99Ms, maxMs } = tally.latencies
    expect(averageMs).to.be.closeTo(500.5, 1)
    expect(p50Ms).to.be.closeTo(500, 1)
    expect(p95Ms).to.be.closeTo(950, 2)
    expect(p99Ms).to.be.closeTo(990, 2)
    expect(maxMs).to.be.closeTo(1000, 1)
    expect([tally.requests, tally.errorRatio]).to.deep.equal([1000, 0.01])
    expect(tally.errors).to.deep.equal({ '200': 10 })
  })

  it('decide by threshold, whose limit goes down with the users, and by nothing that was not measured', () => {
    const verdicts = judge(
      [
        { metric: 'p95Ms', is: 'below', limit: 40 },
        { metric: 'requestsPerSecond', is: 'above', limit: 300, perUsers: 100 },
        { metric: 'serverErrors', is: 'at most', limit: 0 },
        { metric: 'memoryBytes', is: 'below', limit: 1 },
      ],
      { ...figures, users: 50, requestsPerSecond: 151 },
    )
    expect(verdicts.map(({ isMet }) => isMet)).to.deep.equal([false, true, true, undefined])
    expect(verdicts[1]?.limit).to.equal(150)
  })

  it('count a hit where any cache says hit, and a server that says nothing as a miss', () => {
    const { judge: mark } = scenarios['browsing'] ?? expect.fail('browsing')
    const cached = (status: string) => mark(answerWith(200, { 'cache-status': status }))
    expect(cached('redis; hit; ttl=42, memory; fwd=miss; stored')).to.deep.equal(['cache-hit'])
    expect(cached('memory; fwd=miss; stored')).to.deep.equal(['cache-miss'])
    expect(mark(answerWith(503, {}))).to.have.members(['error', 'server-error', 'cache-miss'])
    expect(mark(answerWith(0, {}))).to.include('error')
  })
})

describe('the profiles', () => {
  it('are those that were asked for', () => {
    expect(profiles.staged.map(({ users, seconds }) => [users, seconds / 60])).to.deep.equal([
      [10, 2],
      [50, 3],
      [100, 2],
      [100, 3],
      [0, 2],
    ])
    const users = (stages: readonly { users: number }[]) => stages.map((stage) => stage.users)
    expect(users(profiles.short)).to.deep.equal(users(profiles.staged))
    expect(secondsOf(profiles.short)).to.equal(60)
  })

  it('go from stage to stage in straight lines', () => {
    const at = [0, 60, 120, 210, 300, 420, 599, 660, 720].map((s) => usersAt(profiles.staged, s))
    expect(at).to.deep.equal([0, 5, 10, 30, 50, 100, 100, 50, 0])
    expect(usersAt(profiles.steady, 0)).to.equal(100)
  })

  it('keep their shape with another peak and length', () => {
    const small = scale(profiles.staged, { users: 20, seconds: 72 })
    expect(small.map(({ users }) => users)).to.deep.equal([2, 10, 20, 20, 0])
    expect(secondsOf(small)).to.be.closeTo(72, 1e-9)
  })
})

describe('browsing', () => {
  it('asks for the popular more often, and for everything at times', () => {
    const dice = createDice(1)
    const fraction = () => dice.fraction()
    const chosen = Array.from({ length: 10_000 }, () => popular(fraction, [0, 1, 2, 3, 4]))
    const counts = [0, 1, 2, 3, 4].map((one) => chosen.filter((choice) => choice === one).length)
    expect(counts).to.deep.equal(counts.toSorted((one, other) => other - one))
    expect(counts[4]).to.be.above(500)
    expect(popular(() => 0.999_999, [])).to.equal(undefined)
  })

  it('reads a list on by the cursor it was given, and asks again with the ETag it holds', () => {
    const catalogue: Catalogue = { linkIds: ['l'], productIds: [], categoryIds: [], words: [] }
    const dice = createDice(3)
    const session = browse(catalogue, () => dice.fraction())
    const answer: Answer = {
      ...answerWith(200, { etag: 'W/"1"' }),
      body: '{"data":[],"page":{"nextCursor":"v1.abc"}}',
    }
    const asked = Array.from({ length: 400 }, () => session.next(answer).value).flatMap((step) =>
      'path' in step ? [step] : [],
    )
    const paths = asked.map(({ path }) => path)
    expect(paths).to.include('/api/v2/payment-links?limit=20')
    expect(paths).to.include('/api/v2/payment-links?limit=20&cursor=v1.abc')
    expect(paths).to.include('/api/v2/payment-links/l')
    const held = asked.filter(({ headers }) => headers['if-none-match'] === 'W/"1"')
    expect(held.length / asked.length).to.be.within(0.25, 0.5)
  })
})

const result = (told: Partial<Figures>): ResultFile => {
  const file = {
    format: 'tidegate-load-1',
    startedAt: '2026-11-25T12:00:00.000Z',
    baseUrl: 'http://127.0.0.1:3000',
    profile: 'short: 100 users, 60 s',
    machine: '2 processors, Node 26.10.0',
    scenarios: { browsing: { ended: 'whole', figures: { ...figures, ...told } } },
  }
  return parseResult('x.json', JSON.stringify(file))
}

describe('the report of before and after', () => {
  it('has every figure of both with the change, and no blank', () => {
    const text = compare(result({}), result({ p50Ms: 2.1, requestsPerSecond: 2400 }))
    expect(text).to.include('| p50 | 10 ms | 2.10 ms | -79.0 % |')
    expect(text).to.include('| requests/s with all users | 400 | 2400 | +500.0 % |')
    expect(text).to.include('| errors | 0.00 % | 0.00 % | none |')
    const elsewhere = 'not measured: on another machine'
    expect(text).to.include(`| memory of the API, most | ${elsewhere} | ${elsewhere} | not known |`)
    expect(text).to.include('| cache in use | yes | yes | none |')
    expect(text, 'no part of the scenario').not.to.include('requests blocked')
    expect(text).not.to.match(/\| *\|(?! before)/)
    expect(text).not.to.match(/undefined|NaN|_+ms/)
  })

  it('says when it compares what cannot be compared', () => {
    const other = { ...result({}), profile: 'steady: 10 users, 5 s' }
    expect(compare(result({}), other)).to.include('The profiles differ')
    const none = { ...result({}), scenarios: {} }
    expect(compare(result({}), none)).to.include('Not compared: it was run before only.')
    expect(() => parseResult('x.json', '{}')).to.throw('x.json is not what --out writes')
  })
})

describe('the progress', () => {
  const now = { atSeconds: 3.02, ofSeconds: 60, users: 7, requestsPerSecond: 33.4 }

  for (const isTTY of [true, false]) {
    it(`is ${isTTY ? 'redrawn on a terminal' : 'one line a second elsewhere'}`, () => {
      let written = ''
      const output = { isTTY, write: (text: any) => Boolean((written += text)) }
      openProgress(output, 'health-check').show({ ...now, tally: new Tally() })
      const line = 'health-check 3/60 s  7 users  33 requests/s  p95 0.0 ms  errors 0.00 %'
      expect(written).to.equal(isTTY ? `\r\u001B[K${line}` : `${line}\n`)
    })
  }
})

/** What k6.ts imports, as far as it needs it to run without k6. */
const k6: Readonly<Record<string, string>> = {
  k6: 'export const sleep = () => {}',
  'k6/http': `export default { asked: [], get(url, { headers }) {
    this.asked.push({ url, headers })
    return { status: 200, headers: { Etag: 'W/"1"' }, body: '{"data":[{"id":"a"}],"page":{}}' } } }`,
  'k6/metrics': 'export class Counter { add() {} } export { Counter as Rate }',
}

describe('the k6 script', () => {
  const hooks = registerHooks({
    resolve: (name, context, next) =>
      k6[name] === undefined
        ? next(name, context)
        : { url: `data:text/javascript,${encodeURIComponent(k6[name])}`, shortCircuit: true },
  })
  after(() => hooks.deregister())

  for (const [name, scenario] of Object.entries(scenarios).filter(([, one]) => !one.notYet)) {
    it(`runs ${name} as npm run load does: the same stages, thresholds and requests`, async () => {
      const environment = { SCENARIO: name, PROFILE: 'staged', BASE_URL: 'http://a', API_KEY: 'k' }
      Object.assign(globalThis, { __ENV: environment })
      const script = await import(`./k6.ts?${name}`)
      const { default: http }: any = await import('k6/http')
      script.default(script.setup())
      Reflect.deleteProperty(globalThis, '__ENV')
      const stages = scenario.stages ?? profiles.staged
      expect(script.options.stages).to.deep.equal(
        stages.map(({ users, seconds }) => ({ target: users, duration: `${seconds}s` })),
      )
      const limits = JSON.stringify(script.options.thresholds)
      const unseen = ['memoryBytes', 'poolRatio', 'requestsPerSecond']
      for (const { metric, limit } of scenario.thresholds) {
        expect(limits.includes(String(limit)) || unseen.includes(metric), metric).to.equal(true)
      }
      const { url, headers } = http.asked.at(-1)
      expect(url).to.match(/^http:\/\/a\/api\//)
      expect(headers.Authorization).to.equal(scenario.scopes.length > 0 ? 'Bearer k' : undefined)
    })
  }

  it('needs nothing of Node', () => {
    const imports = (path: string): readonly string[] =>
      [...readFileSync(`test/load/${path}`, 'utf8').matchAll(/from '([^']+)'/g)].map(
        ([, name = '']) => name,
      )
    const reached = new Set(imports('k6.ts').filter((name) => name.startsWith('./')))
    for (const name of reached) {
      imports(name).forEach((one) => reached.add(one))
    }
    expect([...reached].filter((name) => !name.startsWith('./'))).to.deep.equal([])
  })
})
