import { startCollector } from '../support/collector.ts'
import type { Told } from './options.ts'
import type { ReadyKind, ReadySetup } from './processes/ready-answer.ts'
import type { Findings } from './report.ts'
import type { Scenario } from './scenario.ts'
import { fetchHit, headersOf, type Asked, type WireAnswer } from './served/answer.ts'
import { cachingProxies, startCachingProxy } from './served/caching-proxy.ts'
import {
  compete,
  contestOptions,
  printPromise,
  printScores,
  type Contestant,
} from './served/contest.ts'
import { openProduct } from './served/product.ts'
import { startReady, type ReadyServer, type Server } from './served/server.ts'

const path = '/api/v2/payment-links?limit=10'
const ready: readonly ReadyKind[] = [
  'node:http',
  'node:http, prepared head',
  'Fastify',
  'Express',
  'Express + apicache',
]
/** Those that send a string, or know nothing of codings and validators. */
const plainOnly = new Set(['Express', 'Express + apicache'])
const answersConditions = (name: string): boolean => /^(Tidegate|nginx|varnish|Express)/.test(name)

/** A cached read of about 6 KB over HTTP with everything on (key check, rate limit, metrics, spans of 5 %), the same
 *  unchanged (304) and the same compressed; against servers that send the same head and body. */
export const cachedRead: Scenario = {
  says: 'a cached answer over HTTP, against nginx, Varnish and Node servers that send the same bytes',
  needsServers: true,
  servesHttp: true,
  options: contestOptions,
  run,
}

async function run(told: Told): Promise<Findings> {
  const collector = await startCollector()
  const product = await openProduct()
  const tidegate = await product.start({ telemetry: 'export 5 %', collectorUrl: collector.url })
  const headers = headersOf(tidegate, product)
  const asked: Asked = { path, headers }
  const askedCoded: Asked = { path, headers: { ...headers, 'Accept-Encoding': 'br' } }
  const plain = await fetchHit(tidegate, asked)
  const coded = await fetchHit(tidegate, askedCoded)
  console.log(
    `${path}: ${plain.body.length} bytes, br ${coded.body.length}, ${Object.keys(plain.headers).length} headers`,
  )
  const rivals = await startRivals({ '': pack(plain), br: pack(coded) })
  const contestants = [tidegate, ...rivals.servers].flatMap((server): readonly Contestant[] => {
    const tag = plain.headers['ETag'] ?? ''
    const unchanged = { path, headers: { ...headers, 'If-None-Match': tag } }
    const nothing = { status: 304, body: Buffer.alloc(0) }
    return [
      { name: server.name, server, asked, expected: plain },
      ...(answersConditions(server.name)
        ? [{ name: `${server.name}, 304`, server, asked: unchanged, expected: nothing }]
        : []),
      ...(plainOnly.has(server.name)
        ? []
        : [{ name: `${server.name}, br`, server, asked: askedCoded, expected: coded }]),
    ]
  })
  const scores = await compete(contestants, told)
  await rivals.check()
  const findings = printScores(scores, rivals.base)
  printPromise(scores, ['Tidegate', 'nginx proxy_cache'], 1.25)
  printPromise(scores, ['Tidegate', 'Express + apicache'], 0.5)
  printPromise(scores, ['Tidegate, 304', 'Tidegate'], 0.8)
  await Promise.all([tidegate, ...rivals.servers].map((server) => server.stop()))
  await rivals.stop()
  await collector.close()
  // What a rival costs is no regression of ours.
  const ours = Object.entries(findings.ratios).filter(([name]) => name.startsWith('Tidegate'))
  return { ...findings, ratios: Object.fromEntries(ours) }
}

const pack = ({ headers, body }: WireAnswer) => ({ headers, bodyBase64: body.toString('base64') })

async function startRivals(answers: ReadySetup['answers']) {
  const setup = { path: '/api/v2/payment-links', answers }
  const servers: Server[] = []
  const origins: ReadyServer[] = []
  for (const program of cachingProxies) {
    const origin = await startReady('node:http', setup)
    const server = await startCachingProxy(program, origin.port)
    if (server) {
      servers.push(server)
    } else {
      console.log(`without ${program.name}: ${program.binary} is not on PATH`)
    }
    origins.push(origin)
  }
  const base = servers[0]?.name ?? 'node:http'
  for (const kind of ready) {
    servers.push(await startReady(kind, setup))
  }
  return {
    servers,
    base: base.startsWith('nginx') ? base : 'node:http',
    /** @throws {Error} when a cache asked its origin more than once for each of the two answers */
    async check() {
      for (const origin of origins) {
        const count = await origin.count()
        if (count > 3) {
          throw new Error(`an origin was asked ${count} times: its cache did not keep the answers`)
        }
      }
    },
    stop: async () => void (await Promise.all(origins.map((origin) => origin.stop()))),
  }
}
