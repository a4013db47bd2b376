import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { systemClock } from '#platform/clock'
import { childEnvironment } from './run-directory.ts'

/** A real process of the product, started as its npm script starts it. */
export type Child = {
  readonly process: ChildProcess
  /** Every line that it logged so far. */
  readonly lines: readonly Readonly<Record<string, unknown>>[]
  /** Sends SIGTERM and returns the exit code and how long it took. */
  stop(): Promise<{ readonly code: number | null; readonly ms: number }>
}

/** Nothing is fetched ahead unless a spec is about that: others count what is asked for. */
const usual = { LOG_LEVEL: 'info', CACHE_WARM_ENABLED: 'false' }

/** Starts `<entry>/main.ts` with telemetry registered and waits until it says that it is ready.
 *  @param whenSpawned is told of it before that */
export async function startChild(
  entry: 'worker' | 'admin' | 'api',
  environment: Readonly<Record<string, string>>,
  whenSpawned: (child: Pick<Child, 'process' | 'lines'>) => void = () => undefined,
): Promise<Child> {
  const register = './shared/platform/telemetry/register.ts'
  const child = spawn(process.execPath, ['--import', register, `${entry}/main.ts`], {
    env: { ...childEnvironment(), ...usual, ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const lines: Record<string, unknown>[] = []
  let rest = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line)))
  })
  whenSpawned({ process: child, lines })
  let complaint = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (complaint += text))
  const exited = once(child, 'exit')
  const ready = once(child, 'message')
  const ended = exited.then(() => {
    throw new Error(`${entry} stopped at start-up: ${complaint}${JSON.stringify(lines.at(-1))}`)
  })
  await Promise.race([ready, ended])
  ended.catch(() => {})
  return {
    process: child,
    lines,
    async stop() {
      const begin = systemClock.monotonicMs()
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM')
        await exited
      }
      return { code: child.exitCode, ms: systemClock.monotonicMs() - begin }
    },
  }
}
