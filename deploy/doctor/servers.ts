import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { isRecent } from '../laptop/embedded-servers.ts'
import { packagedBinaries, sharedDirectory, tryBinaries } from '../laptop/postgres-binaries.ts'
import { inspect, shown } from '../laptop/prepare-database.ts'
import { findRedisBinary, redisVersion } from '../laptop/redis.ts'
import { askRedis } from '../laptop/redis-talk.ts'
import { isCode } from '../laptop/live-process.ts'
import { canUse, postgresUser } from '../laptop/server-user.ts'
import { check, type Finding } from './finding.ts'

type Partial = Omit<Finding, 'subject'>

export const checkPostgres = check('PostgreSQL', 'run npm ci again', async ({ settings }) => {
  if (settings.databaseUrl !== undefined) {
    return checkGivenDatabase(settings.databaseUrl)
  }
  const { directory, version } = await packagedBinaries()
  const ours: Partial = { state: 'ok', text: `embedded, binaries ${version}` }
  const isRoot = process.geteuid?.() === 0
  const identity = isRoot ? ((await postgresUser()) ?? {}) : {}
  const failure = await tryBinaries(directory, {})
  if (failure) {
    const text = `the embedded binaries do not run: ${failure.message}`
    return [{ state: 'problem', text, fix: 'run npm ci again, without --ignore-scripts' }]
  }
  return isRoot ? [ours, ...(await checkUser(directory, settings.dataDirectory, identity))] : [ours]
})

async function checkUser(
  binaries: string,
  dataDirectory: string,
  identity: { readonly uid?: number; readonly gid?: number },
): Promise<readonly Partial[]> {
  if (identity.uid === undefined) {
    return [
      { state: 'ok', text: 'npm start will make the system user postgres, since you are root' },
    ]
  }
  const found: Partial[] = [
    { state: 'ok', text: `runs as user postgres (${identity.uid}), since you are root` },
  ]
  const failure = await tryBinaries(binaries, identity)
  if (failure && isCode(failure, 'EACCES')) {
    found.push({
      state: 'ok',
      text: `this checkout is closed to postgres: programs go to ${sharedDirectory}`,
    })
  }
  const cluster = join(dataDirectory, 'postgres')
  if (existsSync(cluster) && !canUse(cluster, identity)) {
    const text = `user postgres cannot use ${realpathSync(cluster)}`
    found.push({ state: 'problem', text, fix: `chown -R postgres ${realpathSync(cluster)}` })
  }
  return found
}

async function checkGivenDatabase(url: string): Promise<readonly Partial[]> {
  const fix = 'start it, correct DATABASE_URL, or unset it for the embedded one'
  try {
    const { kind, serverVersion } = await inspect(url)
    const version = `${Math.floor(serverVersion / 10_000)}.${serverVersion % 10_000}`
    if (serverVersion < 150_000) {
      return [
        {
          state: 'problem',
          text: `${shown(url)} is version ${version}; 15 or newer is needed`,
          fix,
        },
      ]
    }
    return kind === 'foreign'
      ? [
          {
            state: 'problem',
            text: `${shown(url)} holds tables of something else`,
            fix: 'give Tidegate a database of its own',
          },
        ]
      : [{ state: 'ok', text: `${shown(url)}, version ${version}, ${meanings[kind]}` }]
  } catch (error) {
    return [{ state: 'problem', text: error instanceof Error ? error.message : String(error), fix }]
  }
}

const meanings = {
  empty: 'empty: the demo will be loaded',
  demo: 'a Tidegate demo, or still without organisations',
  own: 'a Tidegate with organisations of its own: no demo',
} as const

export const checkRedis = check('Redis', 'see the message', async ({ settings }) => {
  if (settings.redisUrl !== undefined) {
    return settings.redisUrl === ''
      ? [{ state: 'ok', text: 'none, as REDIS_URL= says' }]
      : checkGivenRedis(settings.redisUrl)
  }
  const binary = await findRedisBinary(settings.path)
  if (binary === undefined) {
    const text =
      'no redis-server or valkey-server on PATH: it runs without one, caching per process'
    return [{ state: 'warning', text, fix: 'apt-get install redis-server (or brew install redis)' }]
  }
  const version = await redisVersion(binary)
  return isRecent(version)
    ? [{ state: 'ok', text: `embedded, ${binary} ${version}` }]
    : [
        {
          state: 'warning',
          text: `${binary} ${version} is too old and is not used`,
          fix: 'install 6.2 or newer',
        },
      ]
})

async function checkGivenRedis(url: string): Promise<readonly Partial[]> {
  const fix = 'start it, correct REDIS_URL, or set it empty (REDIS_URL=) to run without one'
  let said: string
  try {
    said = await askRedis(url, [
      ['INFO', 'server'],
      ['CONFIG', 'GET', 'maxmemory-policy'],
    ])
  } catch (error) {
    const reason = error instanceof Error ? error.message || String(error) : String(error)
    return [{ state: 'problem', text: `${shown(url)} cannot be reached: ${reason}`, fix }]
  }
  const version = /redis_version:(\S+)/.exec(said)?.[1]
  if (version === undefined) {
    return [{ state: 'problem', text: `${shown(url)} refuses: ${said.split('\r\n')[0]}`, fix }]
  }
  const policy = /maxmemory-policy\r\n\$\d+\r\n(\S+)/.exec(said)?.[1]
  const ours: Partial = isRecent(version)
    ? { state: 'ok', text: `${shown(url)}, version ${version}` }
    : { state: 'problem', text: `${shown(url)} is version ${version}; 6.2 or newer is needed`, fix }
  if (policy === undefined || policy === 'noeviction') {
    return [ours]
  }
  const text = `maxmemory-policy is ${policy}: queued jobs may be evicted`
  return [ours, { state: 'warning', text, fix: 'redis-cli config set maxmemory-policy noeviction' }]
}
