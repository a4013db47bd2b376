import { expect } from 'chai'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createHealth } from '#platform/health/health'
import { healthHandler } from '#platform/health/health-handler'
import { startApi } from '../support/api.ts'
import { addTenant, ecbRates, openBusiness, publishRates } from '../support/business.ts'
import { addLinks } from '../support/links.ts'
import { childEnvironment, runDirectory } from '../support/run-directory.ts'

const closing: (() => Promise<void>)[] = []

describe('npm run load', function () {
  this.timeout(60_000)
  let directory: string

  before(async () => {
    directory = await mkdtemp(join(runDirectory(), 'load-'))
  })
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) {
      await close()
    }
  })

  const brief = ['--profile', 'steady', '--vus', '4', '--duration', '1.5']

  const limiting = ['-t', 'rate-limiting', '--duration', '1.5']

  it('meets the thresholds of health-check on a server that is well, and exits with 0', async () => {
    const url = await serve((_, response) => response.end('{}'))
    const { code, said } = await load(['-t', 'health-check', ...brief], { BASE_URL: url })
    expect(code, said).to.equal(0)
    expect(said).to.match(
      /^health-check 1\/2 s {2}4 users .* requests\/s {2}p95 .* errors 0\.00 %$/m,
    )
    expect(said).to.match(/met +p95 below 100 ms/)
    expect(said).to.match(/- +memory of the API, most below 300 MB +not measured: the process/)
    expect(said).not.to.include('NOT met')
  })

  it('exits with 1 when the server is slow', async () => {
    const slowly: RequestListener = (_, response) => void setTimeout(() => response.end('{}'), 150)
    const url = await serve(slowly)
    const { code, said } = await load(['-t', 'health-check', ...brief], { BASE_URL: url })
    expect(code, said).to.equal(1)
    expect(said).to.match(/NOT met +p95 below 100 ms/)
    expect(said).to.match(/ met +errors below/)
  })

  it('gives up and exits with 1 when more than 5 % fail, and counts the faults by kind', async () => {
    let asked = 0
    const url = await serve((_, response) => {
      asked += 1
      response.writeHead(asked % 10 === 0 ? 503 : 200).end('{}')
    })
    const long = ['--profile', 'steady', '--vus', '100', '--duration', '60']
    const { code, said } = await load(['-t', 'health-check', ...long], { BASE_URL: url })
    expect(code, said).to.equal(1)
    expect(said).to.include('health-check: aborted')
    expect(said).to.match(/error 503 +\d+/)
    expect(said).to.match(/NOT met +answers with 5xx/)
  })

  it('prints what it has when Ctrl-C ends it, and exits with 130', async () => {
    // slow enough that the echo comes while the last answers are waited for
    const slowly: RequestListener = (_, response) => void setTimeout(() => response.end('{}'), 400)
    const url = await serve(slowly)
    const out = join(directory, 'interrupted.json')
    const words = ['-t', 'health-check', '--vus', '4', '--duration', '60', '--profile', 'steady']
    const { code, said } = await load(
      [...words, '--out', out],
      { BASE_URL: url },
      (line, child) => {
        if (line.includes(' 1/60 s ')) {
          // twice, as a terminal and npm send it
          child.kill('SIGINT')
          setTimeout(() => child.kill('SIGINT'), 30)
        }
      },
    )
    expect(code, said).to.equal(130)
    expect(said).to.include('health-check: interrupted')
    expect(said).to.match(/requests\/s with all users +\d/)
    expect(JSON.parse(await readFile(out, 'utf8')).scenarios['health-check'].ended).to.equal(
      'interrupted',
    )
  })

  it('browses the real API with real ids, cursors and ETags, mostly from its cache', async () => {
    const { url, key, databaseUrl } = await startShop()
    const out = join(directory, 'before.json')
    const environment = { BASE_URL: url, API_KEY: key, DATABASE_URL: databaseUrl }
    const words = ['-t', 'browsing', '--profile', 'steady', '--vus', '20', '--duration', '4']
    const first = await load([...words, '--out', out], environment)
    const { figures } = JSON.parse(await readFile(out, 'utf8')).scenarios.browsing
    expect(figures.errors, first.said).to.deep.equal({})
    expect(figures.requests).to.be.above(100)
    expect(figures.hitRatio).to.be.above(0.5)
    expect(figures.transactionsPerRequest).to.be.above(0)
    expect(figures.missing.statementsPerRequest).to.include('pg_stat_statements')
    const again = await load([...words, '--compare', out], environment)
    expect(again.said).to.match(/^\| p95 \| [\d.]+ ms \| [\d.]+ ms \| [+-]?[\d.]+ % \|$/m)
  })

  it('fails rate-limiting clearly where the server tells no limits', async () => {
    const { url, key } = await startShop()
    const { code, said } = await load(limiting, { BASE_URL: url, API_KEY: key })
    expect(code, said).to.equal(1)
    expect(said).to.match(/NOT met +answers without RateLimit headers at most 0/)
    expect(said).to.match(/NOT met +requests blocked above 0/)
  })

  it('meets rate-limiting where the excess is refused as HTTP.md says, and not where the refusal says nothing', async () => {
    const well = await load(limiting, await limited({ 'retry-after': '31' }))
    expect(well.code, well.said).to.equal(0)
    expect(well.said).to.match(/ met +requests blocked above 0 /)
    const mute = await load(limiting, await limited({}))
    expect(mute.code, mute.said).to.equal(1)
    expect(mute.said).to.match(/NOT met +blocked without being told/)
  })

  const refused: readonly [string, readonly string[], Record<string, string>, RegExp][] = [
    ['no server', ['-t', 'health-check'], { BASE_URL: 'http://127.0.0.1:1' }, /nobody answers at/],
    ['no address', [], {}, /no API to try: start one with npm start/],
    ['a bad address', [], { BASE_URL: 'localhost' }, /BASE_URL must begin with http/],
    ['an unknown scenario', ['-t', 'x'], {}, /-t is one of health-check, browsing/],
    ['an unknown profile', ['--profile', 'x'], {}, /--profile is one of staged, short, steady/],
    ['an unknown option', ['--x'], {}, /Unknown option '--x'/],
    ['no users', ['--vus', '0'], {}, /--vus is a whole number/],
    ['no time', ['--duration', 'soon'], {}, /--duration is a time/],
    [
      'a scenario that is not there yet',
      ['-t', 'webhook-processing'],
      {},
      /no endpoint for webhooks/,
    ],
    ['no file to compare with', ['--compare', '/nowhere'], {}, /\/nowhere cannot be read/],
  ]
  for (const [situation, words, environment, message] of refused) {
    it(`exits with 2 and says why: ${situation}`, async () => {
      const { code, said } = await load(words, environment)
      expect(said).to.match(message)
      expect(code).to.equal(2)
    })
  }

  it('exits with 2 for a key that is not good, and for one that may too little', async () => {
    const { url, publishableKey } = await startShop()
    const bad = await load(['-t', 'browsing'], { BASE_URL: url, API_KEY: 'tg_sk_wrong' })
    expect([bad.code, bad.said]).to.satisfy(([code, said]: any) => code === 2 && /401/.test(said))
    const narrow = await load(['-t', 'browsing'], { BASE_URL: url, API_KEY: publishableKey })
    expect(narrow.said).to.include('browsing needs a key that may payment-links:read\n')
    expect(narrow.code).to.equal(2)
    const none = await load(['-t', 'browsing'], { BASE_URL: url })
    expect(none.said).to.include('browsing needs a key: API_KEY=')
  })

  it('takes address and key from the demo.json of a running npm start', async () => {
    const { url, key } = await startShop()
    const small = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'])
    const demo = {
      apiUrl: url,
      databaseUrl: 'postgresql://127.0.0.1:1/x',
      // of the size of an API, as this process is not
      pids: { api: small.pid },
    }
    const keys = { loadKey: key, publishableKey: key }
    const DATA_DIR = await mkdtemp(join(directory, 'data-'))
    await writeFile(join(DATA_DIR, 'demo.json'), JSON.stringify({ ...demo, ...keys }))
    const words = ['-t', 'health-check', ...brief, '--json']
    const { code, said, output } = await load(words, { DATA_DIR })
    small.kill()
    expect(code, said).to.equal(0)
    const { figures } = JSON.parse(output).scenarios['health-check']
    expect(figures.memoryBytes).to.be.above(10_000_000)
    expect(figures.missing.poolRatio).to.include('DATABASE_URL')
  })

  it('prints scenarios, profiles, exit codes and examples with --help', async () => {
    const { code, said } = await load(['--help'], {})
    expect(code).to.equal(0)
    for (const word of ['health-check', 'webhook-processing', 'staged', 'BASE_URL', '130', '-t ']) {
      expect(said).to.include(word)
    }
  })

  /** Runs the program; standard output and error together, and output alone. */
  async function load(
    words: readonly string[],
    environment: Readonly<Record<string, string>>,
    onLine: (line: string, child: ReturnType<typeof spawn>) => void = () => {},
  ): Promise<{ code: number | null; said: string; output: string }> {
    const child = spawn(process.execPath, ['test/load/main.ts', ...words], {
      env: { ...childEnvironment(), DATA_DIR: directory, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
      output += text
      onLine(text, child)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
    const [code] = await once(child, 'close')
    return { code, said, output }
  }
})

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : address}`
}

/** A server that lets fifty requests through and refuses the others. */
async function limited(refusal: Readonly<Record<string, string>>) {
  let asked = 0
  const url = await serve((request, response) => {
    const limits = { 'ratelimit-policy': '"default";q=50;w=60', 'content-type': 'application/json' }
    const left = Math.max(0, 50 - asked)
    response.setHeaders(new Headers({ ...limits, ratelimit: `"default";r=${left};t=31` }))
    if (request.url === '/api/v2/me') {
      response.end('{"data":{"key":{"scopes":["fx:read"]}}}')
      return
    }
    asked += request.url?.startsWith('/api/v2') === true ? 1 : 0
    if (asked > 50) {
      response.setHeaders(new Headers({ 'content-type': 'application/problem+json', ...refusal }))
      response.statusCode = 429
    }
    response.end('{}')
  })
  return { BASE_URL: url, API_KEY: 'any' }
}

/** The real API with a cache, some links and rates. */
async function startShop() {
  const business = await openBusiness({ fx: { providers: ['ecb'] } })
  closing.push(() => business.lifecycle.stop())
  const tenant = await addTenant(business, 'shop')
  await publishRates(business, ecbRates)
  await addLinks(business, tenant, 60)
  const health = createHealth({ version: 'test', checks: [] }, business)
  health.enter('ready')
  const api = await startApi(business, {
    cache: { tiers: 'memory' },
    health: healthHandler(health),
  })
  const { secretKey: key, publishableKey } = tenant
  return { url: api.origin, key, publishableKey, databaseUrl: business.url }
}
