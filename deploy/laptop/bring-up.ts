import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { abandonable } from './abandonable.ts'
import { startChildren } from './children.ts'
import { openDataDirectory } from './data-directory.ts'
import { embedPostgres, embedRedis, type EmbeddedOptions } from './embedded-servers.ts'
import type { LaptopOptions } from './laptop.ts'
import { requirePorts } from './ports.ts'
import { prepareDatabase, shown } from './prepare-database.ts'
import { leftovers, openProcessTable, stopLeftovers } from './process-table.ts'
import { requireNode } from './node-version.ts'
import { openSecrets, type Secrets } from './secrets.ts'
import { Refusal, readSettings, type Environment, type Settings } from './settings.ts'
import { lockDirectory } from './single-instance.ts'
import { createSteps, type Steps } from './steps.ts'
import { describe, summarise, writeSummary, type Summary } from './summary.ts'

/** What the steps of a start share. */
export type Launch = {
  readonly options: LaptopOptions
  /** Aborted when somebody asks to stop. */
  readonly signal: AbortSignal
  readonly fail: (error: unknown) => void
  /** Registers how a thing ends, and how it ends at once; call on the line after it started. */
  undo(name: string, stop: () => Promise<void>, halt?: () => Promise<void>): void
}

type Place = {
  readonly settings: Settings
  readonly directory: string
  readonly secrets: Secrets
  readonly areSecretsNew: boolean
  readonly steps: Steps
}

/** The way from nothing to three serving processes, in the order of what needs what. */
export async function bringUp(launch: Launch): Promise<Summary> {
  const { options, signal } = launch
  const { output, clock, demo } = options
  const startedMs = clock.monotonicMs()
  requireNode(options.nodeVersion)
  const settings = readSettings(options.environment, options.root)
  const steps = createSteps(output, clock)
  const place = await steps.run('checks', () => takePlace(launch, settings, steps), dataIn)
  const { directory } = place
  const servers = await startServers(launch, place)
  const credentials = settings.isProduction
    ? undefined
    : await prepareDatabase({
        url: servers.databaseUrl,
        isEmbedded: settings.databaseUrl === undefined,
        demo,
        steps,
        clock,
        credentialsFile: join(directory, 'credentials.json'),
        signal,
      })
  signal.throwIfAborted()
  const pids = await startProcesses(launch, place, servers)
  const summary = summarise(
    {
      apiUrl: `http://localhost:${settings.ports.api}`,
      adminUrl: `http://localhost:${settings.ports.admin}`,
      databaseUrl: servers.databaseUrl,
      redisUrl: servers.redisUrl || null, // oxlint-disable-line typescript/prefer-nullish-coalescing -- empty is none
      pids,
    },
    credentials,
  )
  writeSummary(join(directory, 'demo.json'), summary)
  const seconds = ((clock.monotonicMs() - startedMs) / 1000).toFixed(1)
  output.line(`\nTidegate is ready after ${seconds} s.`)
  describe(summary, settings.dataDirectory).forEach(output.line)
  return summary
}

const dataIn = ({ directory }: Place): string => `data in ${directory}`

/** Everything that can be refused before something is started, and what a killed start left behind. */
async function takePlace(launch: Launch, settings: Settings, steps: Steps): Promise<Place> {
  const directory = openDataDirectory(settings.dataDirectory)
  const lock = await lockDirectory(directory)
  if (!('release' in lock)) {
    const who =
      lock.pid === undefined ? 'Another start that does not answer' : `Process ${lock.pid}`
    throw new Refusal(
      `${who} already runs Tidegate in ${directory}.\n` +
        'Stop it first, or start a second one: DATA_DIR=.data2 PORT=4000 ADMIN_PORT=4100 WORKER_PORT=4200 npm start',
    )
  }
  launch.undo('lock', () => lock.release())
  rmSync(join(directory, 'demo.json'), { force: true }) // it says that everything serves
  const left = leftovers(join(directory, 'processes.json'))
  if (left.length > 0) {
    steps.note(
      `stopping what a killed start left behind: ${left.map(({ name }) => name).join(', ')}`,
    )
    await stopLeftovers(left)
  }
  await requirePorts(settings.ports)
  launch.signal.throwIfAborted()
  const { secrets, isNew } = openSecrets(join(directory, 'secrets.json'), launch.options.random)
  return { settings, directory, secrets, areSecretsNew: isNew, steps }
}

type Servers = {
  readonly databaseUrl: string
  /** Empty: no Redis. */
  readonly redisUrl: string
}

/** Both at the same time. Whatever came up is registered, Redis last so that it stops first, even when the other failed. */
async function startServers(launch: Launch, place: Place): Promise<Servers> {
  const options: EmbeddedOptions = { ...place, signal: launch.signal }
  const [database, redis] = await Promise.allSettled([
    startDatabase(place, options),
    startRedis(place, options),
  ])
  if (database.status === 'fulfilled' && database.value.server) {
    const { server } = database.value
    launch.undo('PostgreSQL', server.stop, server.halt)
    void server.ended.then(() =>
      launch.fail(
        new Refusal(`PostgreSQL ended by itself; its last words:\n${server.lastMessages()}`),
      ),
    )
  }
  if (redis.status === 'fulfilled' && redis.value.server) {
    const { server } = redis.value
    launch.undo('Redis', server.stop)
    void server.ended.then(() => {
      if (!launch.signal.aborted) {
        place.steps.note('Redis ended by itself; the processes go on without it.')
      }
    })
  }
  if (database.status === 'rejected') {
    throw database.reason
  }
  if (redis.status === 'rejected') {
    throw redis.reason
  }
  launch.signal.throwIfAborted()
  return { databaseUrl: database.value.url, redisUrl: redis.value.url }
}

type Started<Server> = { readonly url: string; readonly server?: Server }

async function startDatabase(
  { settings, steps }: Place,
  options: EmbeddedOptions,
): Promise<Started<Awaited<ReturnType<typeof embedPostgres>>>> {
  if (settings.databaseUrl !== undefined) {
    steps.note(`PostgreSQL: ${shown(settings.databaseUrl)}`)
    return { url: settings.databaseUrl }
  }
  const server = await steps.run(
    'PostgreSQL',
    () => embedPostgres(options),
    ({ url, isNew }) => `port ${new URL(url).port}${isNew ? ', new cluster' : ''}`,
  )
  return { url: server.url, server }
}

async function startRedis(
  { settings, steps }: Place,
  options: EmbeddedOptions,
): Promise<Started<NonNullable<Awaited<ReturnType<typeof embedRedis>>>>> {
  if (settings.redisUrl !== undefined) {
    steps.note(
      settings.redisUrl === ''
        ? 'no Redis: REDIS_URL is empty'
        : `Redis: ${shown(settings.redisUrl)}`,
    )
    return { url: settings.redisUrl }
  }
  const server = await steps.run(
    'Redis',
    () => embedRedis(options, settings.path),
    (found) => (found ? `port ${new URL(found.url).port}` : 'none on PATH: running without'),
  )
  return server ? { url: server.url, server } : { url: '' }
}

async function startProcesses(
  launch: Launch,
  { settings, directory, secrets, steps }: Place,
  { databaseUrl, redisUrl }: Servers,
): Promise<Summary['pids']> {
  const { options } = launch
  const { api, worker, admin } = settings.ports
  const generated: Environment = settings.isProduction
    ? {}
    : { CURSOR_KEYS: secrets.cursorKeys, FX_PROVIDERS: laptopProviders }
  const children = startChildren({
    programs: options.programs,
    root: options.root,
    logs: join(directory, 'logs'),
    table: openProcessTable(join(directory, 'processes.json')),
    environment: {
      NODE_COMPILE_CACHE: join(directory, 'compile-cache'),
      ...generated,
      ...withoutEmpty(options.environment),
      PORT: String(api),
      WORKER_PORT: String(worker),
      ADMIN_PORT: String(admin),
      DATABASE_URL: databaseUrl,
      REDIS_URL: redisUrl,
    },
  })
  launch.undo('processes', children.stop, async () => children.halt())
  children.failed.catch(launch.fail)
  await steps.run(
    'processes',
    () => abandonable(children.ready, launch.signal),
    () => `api ${children.pids.api}, worker ${children.pids.worker}, admin ${children.pids.admin}`,
  )
  return children.pids
}

/** The last one needs no network, so that links can be made wherever the demo runs; a fresh rate of the others wins. */
const laptopProviders = 'ecb,currency-api,demo-replay'

/** An empty variable is an unset one; the ones where it means something are set explicitly. */
function withoutEmpty(environment: Environment): Environment {
  return Object.fromEntries(
    Object.entries(environment).filter(([name, value]) => value !== '' || name !== 'CURSOR_KEYS'),
  )
}
