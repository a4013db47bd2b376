import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { send } from '../../../deploy/laptop/live-process.ts'
import { runDirectory } from '../run-directory.ts'
import { freePort } from '../servers.ts'

export type Launched = {
  readonly directory: string
  readonly process: ChildProcess
  /** What it printed so far. */
  said(): string
  /** Waits until it printed something; fails when it ends before. */
  untilSaid(text: string, waitMsMax?: number): Promise<void>
  /** The exit code, and null after a signal. */
  readonly exitCode: Promise<number | null>
}

const undo: (() => Promise<void>)[] = []

/** A new directory that any user may enter, removed after the spec file with `cleanUp`. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(runDirectory(), 'deploy-'))
  await chmod(directory, 0o755)
  undo.push(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** Ends what still runs on the directories of this spec file and removes them; call in `after`. */
export async function cleanUp(): Promise<void> {
  for (const step of undo.splice(0).toReversed()) {
    await step()
  }
}

/** Runs the launcher of ./main.ts on a directory, on ports of its own. */
export async function launch(
  directory: string,
  environment: Record<string, string> = {},
  program = 'test/support/laptop/main.ts',
): Promise<Launched> {
  const ports = await freePorts()
  const child = spawn(process.execPath, [program], {
    env: { ...withoutSettings(process.env), ...ports, DATA_DIR: directory, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  undo.push(async () => {
    for (const pid of processesOf(directory)) {
      send(pid, 'SIGKILL')
    }
    await until(() => processesOf(directory).length === 0)
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const exitCode = once(child, 'close').then(([code]: unknown[]) =>
    typeof code === 'number' ? code : null,
  )
  let hasEnded = false
  void exitCode.then(() => (hasEnded = true))
  return {
    directory,
    process: child,
    said: () => said,
    exitCode,
    async untilSaid(text, waitMsMax) {
      await until(() => said.includes(text) || hasEnded, waitMsMax)
      if (!said.includes(text)) {
        throw new Error(`it ended without saying "${text}":\n${said}`)
      }
    },
  }
}

/** The process ids whose command, environment or working directory names this directory; never our own. */
export function processesOf(directory: string): readonly number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid)
    .filter((pid) => traces(pid).some((trace) => trace.includes(directory)))
}

export async function readJson(path: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
}

/** Polls until it is so.  @throws after 15 s, or the time given */
export async function until(isSo: () => boolean, waitMsMax = 15_000): Promise<void> {
  for (let waitedMs = 0; !isSo(); waitedMs += 10) {
    if (waitedMs > waitMsMax) {
      throw new Error(`not so after ${waitMsMax} ms: ${isSo.toString()}`)
    }
    await delay(10)
  }
}

/** A zombie has neither. */
function traces(pid: number): readonly string[] {
  try {
    const texts = ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'utf8'))
    return [...texts, existsSync(`/proc/${pid}/cwd`) ? readlinkSync(`/proc/${pid}/cwd`) : '']
  } catch {
    return [] // gone meanwhile, or another user's
  }
}

async function freePorts(): Promise<Record<string, string>> {
  const [api, worker, admin] = await Promise.all([freePort(), freePort(), freePort()])
  return { PORT: String(api), WORKER_PORT: String(worker), ADMIN_PORT: String(admin) }
}

function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { DATABASE_URL: _database, REDIS_URL: _redis, NODE_ENV: _mode, ...rest } = environment
  return rest
}
