import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { eventually } from '../platform/queue/fixture.ts'
import { childEnvironment } from './run-directory.ts'
import { freePort } from './servers.ts'

/** A real Prometheus with the repository's configuration. */
export type PrometheusServer = {
  /** What its HTTP API answers under `/api/v1`. */
  ask(path: string): Promise<any>
  healthStatus(): Promise<number>
  stop(): Promise<void>
}

type Places = {
  readonly token: string
  /** Port on this machine, by job. Jobs that are left out are not scraped. */
  readonly ports: Readonly<Record<string, number>>
  /** Where alerts are posted; nowhere when left out. */
  readonly alertmanagerPort?: number
}

const Configuration = z.looseObject({
  alerting: z.looseObject({ alertmanagers: z.array(z.unknown()) }),
  scrape_configs: z.array(
    z.looseObject({
      job_name: z.string(),
      authorization: z.object({ credentials_file: z.string() }).optional(),
    }),
  ),
})

/** deploy/prometheus/prometheus.yml with what depends on the place replaced: targets, the file of the token, Alertmanager, and
 *  jobs of which nothing runs here. Intervals, labels and rules are as they are. */
async function configurationFor(directory: string, places: Places): Promise<string> {
  const source = resolve('deploy/prometheus/prometheus.yml')
  const read = Configuration.parse(parse(await readFile(source, 'utf8'), { merge: true }))
  const tokenFile = join(directory, 'token')
  await writeFile(tokenFile, places.token)
  const at = (port: number) => [{ targets: [`127.0.0.1:${port}`] }]
  const { alertmanagerPort, ports } = places
  const path = join(directory, 'prometheus.yml')
  const changed = {
    ...read,
    rule_files: [resolve('deploy/prometheus/rules/*.yml')],
    alerting: {
      alertmanagers:
        alertmanagerPort === undefined ? [] : [{ static_configs: at(alertmanagerPort) }],
    },
    scrape_configs: read.scrape_configs.flatMap((config) => {
      const port = ports[config.job_name]
      return port === undefined
        ? []
        : [
            {
              ...config,
              ...(config.authorization && { authorization: { credentials_file: tokenFile } }),
              static_configs: at(port),
            },
          ]
    }),
  }
  await writeFile(path, stringify(changed))
  return path
}

/** Undefined where no `prometheus` is on PATH. Data lie in a directory that goes with it. */
export async function startPrometheus(places: Places): Promise<PrometheusServer | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'tidegate-prometheus-'))
  const port = await freePort()
  const child = spawn(
    'prometheus',
    [
      `--config.file=${await configurationFor(directory, places)}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    { env: childEnvironment(), stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text))
  const isStarted = await once(child, 'spawn').then(
    () => true,
    () => false,
  )
  const clear = () => rm(directory, { recursive: true, force: true })
  if (!isStarted) {
    await clear()
    return undefined
  }
  const exited = once(child, 'exit')
  const origin = `http://127.0.0.1:${port}`
  const healthStatus = async (path = '/-/healthy'): Promise<number> =>
    fetch(`${origin}${path}`).then(
      ({ status }) => status,
      () => 0,
    )
  await eventually(async () => {
    if (child.exitCode !== null) {
      throw new Error(`prometheus stopped at start-up: ${complaint}`)
    }
    return (await healthStatus('/-/ready')) === 200 || undefined
  }, 20_000)
  return {
    healthStatus: () => healthStatus(),
    async ask(path) {
      const answer = await fetch(`${origin}/api/v1${path}`)
      return z.object({ data: z.any() }).parse(await answer.json()).data
    },
    async stop() {
      child.kill('SIGTERM')
      await exited
      await clear()
    },
  }
}
