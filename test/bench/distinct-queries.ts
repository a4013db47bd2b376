import { startForked } from './forked.ts'
import type { Told } from './options.ts'
import type { LoadAnswer, LoadQuestion, LoadSetup } from './processes/http-load.ts'
import { quantile } from './quantile.ts'
import type { Findings } from './report.ts'
import type { Scenario } from './scenario.ts'
import { headersOf, requestText } from './served/answer.ts'
import { pinServer, residentMiB, treeOf } from './served/processors.ts'
import { openProduct } from './served/product.ts'

const steps = 20

/** Whether memory stays flat when every request is another one: half a cached read with a filter that nobody asked for
 *  before, half a parameter that does not exist. Without Redis, so that all that is kept is kept in the process. */
export const distinctQueries: Scenario = {
  says: 'memory of the process while every request has another query string',
  needsServers: true,
  servesHttp: true,
  options: {
    requests: ['1000000', 'in all; each of the valid half costs a statement'],
    connections: ['16', 'kept open'],
  },
  run,
}

async function run(told: Told): Promise<Findings> {
  const product = await openProduct()
  const server = await product.start({
    telemetry: 'export 5 %',
    collectorUrl: 'http://127.0.0.1:1', // nobody there: what cannot be sent must not stay either
    environment: { REDIS_URL: '' },
  })
  pinServer(server.pid)
  const headers = headersOf(server, product)
  const setup: LoadSetup = { connections: told.number('connections') }
  const load = startForked<LoadQuestion, LoadAnswer>('http-load', setup)
  const count = Math.ceil(told.number('requests') / steps / 2)
  const seen: number[] = []
  const kinds = [
    { path: '/api/v2/payment-links?limit=10&reference=r{n}', status: 200 },
    { path: '/api/v2/payment-links?limit=10&r{n}=1', status: 400 },
  ]
  for (let step = 1; step <= steps; step += 1) {
    for (const { path, status } of kinds) {
      const expects = { status, bodyBytes: undefined }
      const request = requestText({ path, headers })
      await load.ask({ kind: 'open', port: server.port, request, expects })
      await load.ask({ kind: 'run', count })
      await load.ask({ kind: 'close' })
    }
    const now = residentMiB(treeOf(server.pid))
    seen.push(now)
    console.log(`${String(2 * count * step).padStart(8)} requests: ${now.toFixed(0)} MiB resident`)
  }
  await load.stop()
  await server.stop()
  const [early, late] = [seen.slice(steps / 4, steps / 2), seen.slice(steps / 2)]
  const growth = quantile(late, 1) / quantile(early, 1)
  console.log(
    `most in the second half ${growth.toFixed(2)} x the most in the second quarter, at most 1.1 promised: ${growth <= 1.1 ? 'met' : 'MISSED'}`,
  )
  return { against: 'the second quarter', ratios: { 'the second half': growth }, figures: { seen } }
}
