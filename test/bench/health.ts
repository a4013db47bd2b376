import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { loadavg } from 'node:os'
import { systemClock } from '../../shared/platform/clock.ts'
import { openFreezable, type Freezable } from '../support/freezable.ts'
import type { Told } from './options.ts'
import { quantile } from './quantile.ts'
import type { Scenario } from './scenario.ts'

const usersCount = 100
const pauseMs = 200
/** What was asked for (REQUIREMENTS M-09): the 99th percentile, in milliseconds. */
const promises = { '/api/health': 100, '/api/health/detailed': 500 } as const
const states = ['nothing', 'redis', 'postgres'] as const

/** How fast health is answered while 100 users ask, and what it needs is frozen. */
export const health: Scenario = {
  says: 'basic and detailed health under 100 users, with Redis and with PostgreSQL frozen',
  needsServers: false,
  options: { seconds: ['10', 'for each line'] },
  run: printHealth,
}

async function printHealth(told: Told): Promise<void> {
  const servers = await openFreezable()
  if (!servers) {
    console.log('left out, no Redis on PATH')
    return
  }
  const busy = loadavg()[0]?.toFixed(1)
  console.log(
    `${usersCount} users, each asks again ${pauseMs} ms after its answer; the load of the machine is ${busy}`,
  )
  console.log('frozen     path                   requests/s   p50 ms   p99 ms   max ms  statuses')
  // a process that has just started compiles what it runs
  await load(servers, '/api/health', 3)
  for (const frozen of states) {
    if (frozen !== 'nothing') {
      servers.freeze(frozen)
    }
    for (const [path, promisedMs] of Object.entries(promises)) {
      await print(servers, { frozen, path, promisedMs, seconds: told.number('seconds') })
    }
    servers.thaw()
    await systemClock.sleep(3_000)
  }
  await servers.close()
}

async function ask(url: string, agent: Agent): Promise<number> {
  const [response] = await once(get(url, { agent }), 'response')
  response.resume()
  await once(response, 'end')
  return response.statusCode
}

type Line = {
  readonly frozen: string
  readonly path: string
  readonly promisedMs: number
  readonly seconds: number
}

async function print(
  servers: Freezable,
  { frozen, path, promisedMs, seconds }: Line,
): Promise<void> {
  const { tookMs, statuses, perSecond } = await load(servers, path, seconds)
  const [p50, p99] = [quantile(tookMs, 0.5), quantile(tookMs, 0.99)]
  const figures = [p50, p99, Math.max(...tookMs)].map((ms) => ms.toFixed(1).padStart(8)).join(' ')
  const counts = [...statuses].map(([status, count]) => `${status}: ${count}`).join(', ')
  const kept = p99 < promisedMs ? '' : `  ABOVE ${promisedMs} ms`
  console.log(
    `${frozen.padEnd(10)} ${path.padEnd(22)} ${perSecond.toFixed(0).padStart(10)} ${figures}  ${counts}${kept}`,
  )
  process.exitCode = kept === '' ? process.exitCode : 1
}

/** The users come one after the other, within one pause. */
async function load(servers: Freezable, path: string, seconds: number) {
  const agent = new Agent({ keepAlive: true })
  const tookMs: number[] = []
  const statuses = new Map<number, number>()
  const beganMs = systemClock.monotonicMs()
  const endsMs = beganMs + seconds * 1_000
  const user = async (_: unknown, index: number): Promise<void> => {
    await systemClock.sleep((pauseMs * index) / usersCount)
    while (systemClock.monotonicMs() < endsMs) {
      const sentMs = systemClock.monotonicMs()
      const status = await ask(`${servers.origin}${path}`, agent)
      tookMs.push(systemClock.monotonicMs() - sentMs)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      await systemClock.sleep(pauseMs)
    }
  }
  await Promise.all(Array.from({ length: usersCount }).map(user))
  agent.destroy()
  const perSecond = (tookMs.length * 1_000) / (systemClock.monotonicMs() - beganMs)
  return { tookMs, statuses, perSecond }
}
