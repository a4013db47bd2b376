import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startCollector } from '../support/collector.ts'
import { runDirectory } from '../support/run-directory.ts'
import { startForked } from './forked.ts'
import type { Told } from './options.ts'
import type { SqlSetup } from './processes/express-sql.ts'
import type { Findings } from './report.ts'
import type { Scenario } from './scenario.ts'
import { fetchAnswer, headersOf } from './served/answer.ts'
import { compete, contestOptions, printScores, ratioOf } from './served/contest.ts'
import type { Contestant } from './served/contest.ts'
import { openProduct } from './served/product.ts'
import type { Server } from './served/server.ts'

const limit = 50
const path = `/api/v2/payment-links?limit=${limit}`

/** What the cache saves: CPU of the server and of PostgreSQL together for a page of 50 links over HTTP, cached and cold, and
 *  of an Express server that asks PostgreSQL for the same rows each time. */
export const cache: Scenario = {
  says: 'a page of 50 over HTTP, cached and cold, and by Express with plain SQL: CPU with PostgreSQL',
  needsServers: true,
  servesHttp: true,
  options: { ...contestOptions, requests: ['1500', 'in each turn'], 'warm-up': ['5000', 'first'] },
  run,
}

async function run(told: Told): Promise<Findings> {
  const collector = await startCollector()
  const product = await openProduct()
  const start = (name: string, environment: Readonly<Record<string, string>>) =>
    product.start({ telemetry: 'export 5 %', collectorUrl: collector.url, name, environment })
  const servers = [
    await start('cached', {}),
    await start('cold', { CACHE_ENABLED: 'false' }),
    await startExpress({ url: product.url, organisationId: product.organisationId, limit }),
  ]
  const contestants: Contestant[] = []
  for (const server of servers) {
    const asked = { path, headers: headersOf(server, product) }
    const expected = await fetchAnswer(server.port, asked)
    contestants.push({ name: server.name, server, asked, expected })
    console.log(`${server.name}: ${expected.status}, ${expected.body.length} bytes`)
  }
  const scores = await compete(contestants, told, [postmasterPid()])
  const findings = printScores(scores, 'cached')
  const saved = ratioOf(scores, 'cold', 'cached')
  console.log(
    `cold is ${saved.toFixed(1)} x cached; 20 x claimed: ${saved >= 20 ? 'met' : 'MISSED'}`,
  )
  await Promise.all(servers.map((server) => server.stop()))
  await collector.close()
  return findings
}

async function startExpress(setup: SqlSetup): Promise<Server> {
  const forked = startForked<'port', number>('express-sql', setup)
  const port = await forked.ask('port')
  return { name: 'Express + SQL', pid: forked.pid, port, stop: () => forked.stop() }
}

/** Of the PostgreSQL of this run. */
function postmasterPid(): number {
  return Number.parseInt(
    readFileSync(join(runDirectory(), 'postgres', 'postmaster.pid'), 'utf8'),
    10,
  )
}
