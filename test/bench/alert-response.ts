import { once } from 'node:events'
import { realpathSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { z } from 'zod'
import { orphansIn } from '../../deploy/laptop/postgres-cluster.ts'
import { systemClock } from '../../shared/platform/clock.ts'
import { eventually } from '../platform/queue/fixture.ts'
import { metricsToken, startProcesses, type Processes } from '../support/processes.ts'
import { startPrometheus, type PrometheusServer } from '../support/prometheus-server.ts'
import { runDirectory } from '../support/run-directory.ts'
import type { Told } from './options.ts'
import type { Scenario } from './scenario.ts'

/** How soon a real Prometheus with the configuration and the rules of the repository fires, and posts it to Alertmanager. */
export const alertResponse: Scenario = {
  says: 'from a fault until its alert fires in a real Prometheus',
  needsServers: true,
  options: { rounds: ['1', 'of each fault'] },
  run: printResponses,
}

/** What goes wrong, which alerts tell of it, and how it is mended. */
type Fault = {
  readonly name: string
  readonly alerts: readonly string[]
  readonly inject: (processes: Processes) => Promise<() => Promise<void>>
}

const nothing = async (): Promise<void> => undefined

const faults: readonly Fault[] = [
  {
    name: 'the worker is killed',
    alerts: ['ProcessDown'],
    async inject({ children }) {
      children.worker.process.kill('SIGKILL')
      return nothing
    },
  },
  {
    name: 'PostgreSQL is frozen',
    alerts: ['DatabaseCircuitOpen', 'HealthCheckFailing'],
    async inject() {
      const cluster = realpathSync(join(runDirectory(), 'postgres'))
      const pids = orphansIn(cluster)
      const send = (signal: 'SIGSTOP' | 'SIGCONT') =>
        pids.forEach((pid) => void process.kill(pid, signal))
      send('SIGSTOP')
      return async () => send('SIGCONT')
    },
  },
  {
    name: 'a table is locked',
    alerts: ['ApiErrorsCritical'],
    async inject({ databaseUrl }) {
      const client = new Client({ connectionString: databaseUrl })
      await client.connect()
      await client.query('begin; lock table products')
      return () => client.end()
    },
  },
]

const patienceMs = 180_000

async function printResponses(told: Told): Promise<void> {
  console.log(`load average ${loadavg()[0]?.toFixed(1)}; seconds since the fault`)
  console.log('fault                  alert                  fires   posted to Alertmanager')
  for (let round = 0; round < told.number('rounds'); round += 1) {
    for (const fault of faults) {
      if (!(await measure(fault))) {
        console.log('left out: no prometheus on PATH')
        return
      }
    }
  }
}

async function measure(fault: Fault): Promise<boolean> {
  const receiver = await openReceiver()
  const processes = await startProcesses()
  const { ports } = processes
  const places = { ports, token: metricsToken, alertmanagerPort: receiver.port }
  const prometheus = await startPrometheus(places)
  if (prometheus) {
    await allUp(prometheus)
    const readers = startReaders(processes)
    const mend = await fault.inject(processes)
    const beganMs = systemClock.monotonicMs()
    await Promise.all(
      fault.alerts.map(async (alert) => {
        const seconds = () => (systemClock.monotonicMs() - beganMs) / 1_000
        await eventually(async () => (await isFiring(prometheus, alert)) || undefined, patienceMs)
        const fired = seconds()
        await eventually(() => receiver.posted.has(alert) || undefined, patienceMs)
        console.log(
          `${fault.name.padEnd(22)} ${alert.padEnd(22)} ${fired.toFixed(1).padStart(5)}   ${seconds().toFixed(1).padStart(5)}`,
        )
      }),
    )
    await mend()
    await readers.stop()
    await prometheus.stop()
  }
  await processes.close()
  await receiver.close()
  return prometheus !== undefined
}

const Targets = z.object({ activeTargets: z.array(z.object({ health: z.string() })) })

async function allUp(prometheus: PrometheusServer): Promise<void> {
  await eventually(async () => {
    const { activeTargets } = Targets.parse(await prometheus.ask('/targets'))
    const isUp = activeTargets.length === 3 && activeTargets.every(({ health }) => health === 'up')
    return isUp || undefined
  }, 60_000)
}

const Alerts = z.object({
  alerts: z.array(z.object({ state: z.string(), labels: z.object({ alertname: z.string() }) })),
})

async function isFiring(prometheus: PrometheusServer, name: string): Promise<boolean> {
  const { alerts } = Alerts.parse(await prometheus.ask('/alerts'))
  await systemClock.sleep(90) // `eventually` asks a hundred times a second
  return alerts.some(({ state, labels }) => state === 'firing' && labels.alertname === name)
}

/** Four who read what is not kept, each again when it was answered. */
function startReaders(processes: Processes): { stop(): Promise<void> } {
  const state = { isOver: false, asked: 0 }
  const read = async (): Promise<void> => {
    while (!state.isOver) {
      state.asked += 1
      await processes.read(`/api/v2/products/search?q=word${state.asked}`).catch(() => undefined)
      await systemClock.sleep(100)
    }
  }
  const running = Promise.all(Array.from({ length: 4 }, read))
  return {
    async stop() {
      state.isOver = true
      await running
    },
  }
}

const Posted = z.array(z.object({ labels: z.object({ alertname: z.string() }) }))

/** Takes what Prometheus posts to an Alertmanager. */
async function openReceiver(): Promise<{
  readonly port: number
  readonly posted: ReadonlySet<string>
  close(): Promise<void>
}> {
  const posted = new Set<string>()
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const alerts = Posted.parse(JSON.parse(Buffer.concat(chunks).toString()))
      alerts.forEach(({ labels }) => posted.add(labels.alertname))
      response.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    posted,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
